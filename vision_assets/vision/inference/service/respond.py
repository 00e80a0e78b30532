"""One request: decode, run, encode, and what each took."""

import time
import uuid
from typing import Any

from starlette.responses import JSONResponse

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.inference.service.live_model import LoadedModel
from vision_assets.vision.inference.service.refusal import Refusal, image_refusal


def respond(model: LoadedModel, image: bytes | Refusal, bento: str) -> JSONResponse:
    """Answer one request with one model.

    Args:
        model: read once by the caller, so that a switch in between changes nothing.
        image: the encoded picture, or why there is none.
        bento: tag of the Bento that runs.

    Returns:
        200 with the answer of the task, `prediction_id`, `versions` and `timings_ms`; or 4xx
        with `error`, `reason`, `detail`.
    """
    if isinstance(image, Refusal):
        return refuse(image)
    try:
        return JSONResponse(_answer(model, image, bento))
    except ImageRefused as refused:
        return refuse(image_refusal(refused))


def refuse(refusal: Refusal) -> JSONResponse:
    """A refusal as a response."""
    return JSONResponse(refusal.body(), status_code=refusal.status)


def _answer(model: LoadedModel, image: bytes, bento: str) -> dict[str, Any]:
    started = time.perf_counter()
    prepared = model.predictor.prepare(image)
    decoded = time.perf_counter()
    (answer,) = model.predictor.answers([prepared])
    ended = time.perf_counter()
    return {
        **answer,
        "prediction_id": uuid.uuid4().hex,
        "versions": {"bento": bento, **model.versions()},
        "timings_ms": {
            "decode": _ms(decoded - started),
            "run": _ms(ended - decoded),
            "total": _ms(ended - started),
        },
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
