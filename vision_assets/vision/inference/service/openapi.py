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
    models = (answer, batch, Info, RefusalBody)
    _, schemas = models_json_schema(
        [(model, "serialization") for model in models], ref_template=_REFERENCE + "{model}"
    )
    pictures = {"type": "array", "items": _BINARY, "minItems": 1, "maxItems": max_pictures}
    png = {"image/png": {"schema": _BINARY}}
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "security": [{}, {"bearer": []}, {"header": []}],
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
        "paths": {
            "/predict": {
                "post": _asks("predict", "Answer one picture.", "image", _BINARY, _json(answer))
            },
            "/predict_batch": {
                "post": _asks(
                    "predict_batch",
                    "Answer several pictures; a refused one stops no other.",
                    "images",
                    pictures,
                    _json(batch),
                )
            },
            "/explain": {
                "post": _asks(
                    "explain",
                    "Answer one picture, with a heatmap; with `Accept: image/png` that alone.",
                    "image",
                    _BINARY,
                    _json(answer) | png,
                )
            },
            "/info": {"get": _tells("info", "What answers here.", _json(Info))},
            "/livez": {"get": _probe("livez", "Whether the process lives.")},
            "/readyz": {"get": _probe("readyz", "Whether it can answer.")},
            "/metrics": {"get": _probe("metrics", "Figures for Prometheus.")},
        },
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
