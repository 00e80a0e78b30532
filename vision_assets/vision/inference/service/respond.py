"""From the pictures of a request to its answer: decode, run, decide, and what each took."""

import base64
import io
import time
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
from PIL import Image

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.inference.predictor import Prepared
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.inference.service.form import Form, chosen_thresholds
from vision_assets.vision.inference.service.live_model import LoadedModel
from vision_assets.vision.inference.service.refusal import Refusal, image_refusal
from vision_assets.vision.tasks.registry import load_answers

_LONGEST_DRAWN_SIDE_PX = 1024
_QUICK_PNG = 1
"""Level of compression: half a second less a picture than the densest, a tenth larger."""


def predict(model: LoadedModel, form: Form) -> dict[str, Any]:
    """Answer the one picture of a form.

    Args:
        model: read once by the caller, so that a switch in between changes nothing.
        form: of one picture.

    Returns:
        The answer of the task, `prediction_id`, `thresholds`, `versions`, `timings_ms`.

    Raises:
        Refusal: the picture cannot be used, or the thresholds are wrong.
    """
    thresholds = chosen_thresholds(model.bundle.card.thresholds, form.thresholds)
    clock = _Clock()
    prepared = _prepare(model, form.pictures[0])
    clock.stop("decode")
    (answer,) = model.predictor.answers([prepared], thresholds)
    clock.stop("run")
    return _identified(answer) | _circumstances(model, thresholds, clock)


def predict_batch(model: LoadedModel, form: Form) -> dict[str, Any]:
    """Answer the pictures of a form in one run of the model; a refused one stops no other.

    Returns:
        `answers`, in the order of the pictures: each the answer of the task with its
        `prediction_id`, or `error`, `reason`, `detail`; and in both the `status` that the
        picture alone would have got. `thresholds`, `versions`, `timings_ms` once.

    Raises:
        Refusal: the thresholds are wrong.
    """
    thresholds = chosen_thresholds(model.bundle.card.thresholds, form.thresholds)
    clock = _Clock()
    taken = [_prepared_or_refusal(model, picture) for picture in form.pictures]
    clock.stop("decode")
    prepared = [each for each in taken if isinstance(each, Prepared)]
    answers = iter(model.predictor.answers(prepared, thresholds))
    clock.stop("run")
    items = [
        {"status": int(each.status), **each.body()}
        if isinstance(each, Refusal)
        else {"status": int(HTTPStatus.OK), **_identified(next(answers))}
        for each in taken
    ]
    return {"answers": items, **_circumstances(model, thresholds, clock)}


def explain(model: LoadedModel, form: Form) -> tuple[dict[str, Any], bytes]:
    """Answer the one picture of a form, and draw over it what the model saw.

    Returns:
        The answer as `predict` gives it, and a PNG of at most 1024 px a side.

    Raises:
        Refusal: the picture cannot be used, or the thresholds are wrong.
    """
    card = model.bundle.card
    thresholds = chosen_thresholds(card.thresholds, form.thresholds)
    clock = _Clock()
    try:
        pixels = decode(form.pictures[0], model.predictor.limits)
    except ImageRefused as refused:
        raise image_refusal(refused) from refused
    prepared = [Prepared.of(pixels, card.input)]
    clock.stop("decode")
    outputs = model.predictor.outputs(prepared)
    (answer,) = model.predictor.to_answers(outputs, prepared, thresholds)
    clock.stop("run")
    reduced = _reduced(pixels)
    seen = prepared[0].picture.scaled_to(*reduced.shape[:2])
    drawn = load_answers(card.task).draw(reduced, outputs, card, seen)
    png = _png(drawn)
    clock.stop("draw")
    return _identified(answer) | _circumstances(model, thresholds, clock), png


def with_heatmap(answer: dict[str, Any], png: bytes) -> dict[str, Any]:
    """An answer that carries its heatmap as text."""
    return answer | {"heatmap_png": base64.b64encode(png).decode()}


class _Clock:
    """Milliseconds between its stops."""

    def __init__(self) -> None:
        self._started = self._last = time.perf_counter()
        self._ms: dict[str, float] = {}

    def stop(self, name: str) -> None:
        now = time.perf_counter()
        self._ms[name] = _ms(now - self._last)
        self._last = now

    def timings_ms(self) -> dict[str, float]:
        return {**self._ms, "total": _ms(self._last - self._started)}


def _prepare(model: LoadedModel, picture: bytes) -> Prepared:
    try:
        return model.predictor.prepare(picture)
    except ImageRefused as refused:
        raise image_refusal(refused) from refused


def _prepared_or_refusal(model: LoadedModel, picture: bytes) -> Prepared | Refusal:
    try:
        return _prepare(model, picture)
    except Refusal as refusal:
        return refusal


def _identified(answer: dict[str, Any]) -> dict[str, Any]:
    return {**answer, "prediction_id": uuid.uuid4().hex}


def _circumstances(
    model: LoadedModel, thresholds: Mapping[str, float], clock: _Clock
) -> dict[str, Any]:
    return {
        "thresholds": dict(thresholds),
        "versions": model.versions(),
        "timings_ms": clock.timings_ms(),
    }


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """The picture, with its longest side bounded."""
    height, width = pixels.shape[:2]
    scale = min(1.0, _LONGEST_DRAWN_SIDE_PX / max(height, width))
    return resize(pixels, max(1, round(height * scale)), max(1, round(width * scale)))


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=_QUICK_PNG)
    return buffer.getvalue()


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
