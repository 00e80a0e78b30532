"""The OpenAPI document of a service: every route, every refusal."""

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from vision_assets.vision.inference.service.form import THRESHOLDS
from vision_assets.vision.inference.service.schema import Info, RefusalBody

_REFERENCE = "#/components/schemas/"
_BINARY = {"type": "string", "format": "binary"}
_THRESHOLD = {"type": "number", "minimum": 0, "maximum": 1}
_SECURITY_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_REFUSALS = {
    HTTPStatus.BAD_REQUEST: "The form is malformed, or its field is missing or no file.",
    HTTPStatus.UNAUTHORIZED: "No valid key of a consumer.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Another method.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too many bytes, pixels or pictures.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Not multipart/form-data.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "No picture that can be used, or wrong thresholds.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Busy; the header Retry-After says for how many seconds.",
}


def document(
    title: str, version: str, answer: type[BaseModel], batch: type[BaseModel], max_pictures: int
) -> dict[str, Any]:
    """Describe a service.

    Args:
        title: name of the service.
        version: of its Bento.
        answer: what `/predict` and `/explain` give.
        batch: what `/predict_batch` gives.
        max_pictures: most pictures of a batch.
    """
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "security": [{}, *({scheme: []} for scheme in _SECURITY_SCHEMES)],
        "components": {
            "schemas": _schemas(answer, batch, Info, RefusalBody),
            "securitySchemes": _SECURITY_SCHEMES,
        },
        "paths": _of_pictures(answer, batch, max_pictures) | _of_the_service(),
    }


def _schemas(*models: type[BaseModel]) -> dict[str, Any]:
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_REFERENCE + "{model}"
    )
    return schemas["$defs"]


def _of_pictures(
    answer: type[BaseModel], batch: type[BaseModel], max_pictures: int
) -> dict[str, Any]:
    """The routes that answer pictures."""
    several = {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": max_pictures}
    batch_said = "Answer several pictures; a refused one stops no other."
    explain_said = "Answer one picture, with a heatmap; with `Accept: image/png` that alone."
    explained = _json(answer) | {"image/png": {"schema": _BINARY}}
    return {
        "/predict": {
            "post": _asks("predict", "Answer one picture.", "image", _BINARY, _json(answer))
        },
        "/predict_batch": {
            "post": _asks("predict_batch", batch_said, "images", several, _json(batch))
        },
        "/explain": {"post": _asks("explain", explain_said, "image", _BINARY, explained)},
    }


def _of_the_service() -> dict[str, Any]:
    """The routes that tell what answers, and how it is."""
    return {
        "/info": {"get": _tells("info", "What answers here.", _json(Info))},
        "/livez": {"get": _probe("livez", "Whether the process lives.")},
        "/readyz": {"get": _probe("readyz", "Whether it can answer.")},
        "/metrics": {"get": _probe("metrics", "Figures for Prometheus.")},
    }


def _asks(
    name: str, summary: str, field: str, pictures: dict[str, Any], content: dict[str, Any]
) -> dict[str, Any]:
    """A route that takes pictures and thresholds."""
    thresholds = dict.fromkeys(THRESHOLDS, _THRESHOLD)
    form = {
        "type": "object",
        "properties": {field: pictures, **thresholds},
        "required": [field],
        "additionalProperties": False,
    }
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            {"name": threshold, "in": "query", "schema": _THRESHOLD} for threshold in THRESHOLDS
        ],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {"200": {"description": "The answer.", "content": content}} | _refusals(),
    }


def _tells(name: str, summary: str, content: dict[str, Any]) -> dict[str, Any]:
    told = {"200": {"description": summary, "content": content}}
    return {"operationId": name, "summary": summary, "responses": told | _refusals()}


def _probe(name: str, summary: str) -> dict[str, Any]:
    told = {"200": {"description": summary, "content": {"text/plain": {"schema": {}}}}}
    return {"operationId": name, "summary": summary, "security": [{}], "responses": told}


def _json(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"{_REFERENCE}{model.__name__}"}}}


def _refusals() -> dict[str, Any]:
    return {
        str(int(status)): {"description": description, "content": _json(RefusalBody)}
        for status, description in _REFUSALS.items()
    }
