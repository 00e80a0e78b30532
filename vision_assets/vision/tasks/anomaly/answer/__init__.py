"""Anomaly detection: the map of a bundle as an answer. Free of torch."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, Answer, Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import PASS_BELOW, decide
from vision_assets.vision.inference.geometry.outlines import outlines
from vision_assets.vision.inference.geometry.regions import Region, regions
from vision_assets.vision.inference.geometry.windows import Picture
from vision_assets.vision.inference.heat import tinted
from vision_assets.vision.tasks.anomaly.answer.stitch import stitched

DECISIVE = ("score", "activation")
ANOMALY, ANOMALY_ID = "anomaly", -2
"""What an image is called that does not look normal, whatever its defect is."""
UNDECIDED_FROM = 0.5
"""From here on an image is an anomaly where a bundle has no thresholds: the score that 95 of 100
held-out normal images are below."""
_MOST_REGIONS = 16
_SAME_MAP = 0.02
_LEVELS = 255
_COLD = 0.25


def to_answer(
    outputs: Outputs,
    card: Card,
    picture: Picture,
    thresholds: Mapping[str, float],
) -> Answer:
    """Whether anything in an image is not as in normal ones, and where.

    Args:
        outputs: `score`, (v,), and `activation`, (v, h, w), float32 in 0..1.
        card: names the class of normal images.
        picture: its windows; objects are in its pixels.
        thresholds: of `defect_score`.

    Returns:
        `label` and `class_id`: the card's first class that is no defect, or `anomaly`; `score`
        and `defect_score`, the highest of all windows; the `decision` by it; `objects`, the
        regions of the map from the threshold up, highest first; `map_png`, the map over the
        whole picture as a grey PNG in base64, 0..255 for 0..1.
    """
    score = float(outputs["score"].max())
    threshold = thresholds.get(PASS_BELOW, UNDECIDED_FROM)
    label, class_id = (ANOMALY, ANOMALY_ID) if score >= threshold else _normal(card)
    values = stitched(outputs["activation"], picture)
    unlike = values >= threshold if score >= threshold else np.zeros(values.shape, bool)
    found = regions(unlike, values, 1, _MOST_REGIONS, first="highest")
    scale = (picture.width_px / values.shape[1], picture.height_px / values.shape[0])
    return {
        "label": label,
        "class_id": class_id,
        "score": score,
        "defect_score": score,
        "decision": decide(score, thresholds),
        "objects": [_object(region, scale) for region in found],
        "map_png": _png(values),
    }


def map_of(answer: Answer) -> np.ndarray:
    """The anomaly map of an answer, (h, w) uint8, 0..255 for 0..1."""
    with Image.open(io.BytesIO(base64.b64decode(answer["map_png"]))) as image:
        return np.asarray(image)


def difference(one: Outputs, other: Outputs) -> float:
    """Largest absolute difference between two batches of scores and maps."""
    return max(float(np.abs(one[name] - other[name]).max()) for name in DECISIVE)


def same(one: Answer, other: Answer) -> bool:
    """Whether both say normal, or both say anomaly, by maps that are at most 2 % apart anywhere.

    Of the range of a map. The objects of an answer follow from its map and are not compared: a
    cell at the threshold joins or leaves a region by less than a map can show.
    """
    if one["class_id"] != other["class_id"]:
        return False
    these, those = (map_of(answer).astype(np.int16) for answer in (one, other))
    return these.shape == those.shape and int(np.abs(these - those).max()) <= _SAME_MAP * _LEVELS


def draw(pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture) -> np.ndarray:
    """The picture, tinted where the anomaly map is higher than on normal images."""
    values = stitched(outputs["activation"], picture)
    return tinted(pixels, ((values - _COLD) / (1 - _COLD)).clip(0, 1))


def _normal(card: Card) -> tuple[str, int]:
    harmless = ((entry.name, entry.id) for entry in card.classes if not entry.defect)
    return next(harmless, (NOTHING, NOTHING_ID))


def _object(region: Region, scale: tuple[float, float]) -> dict[str, Any]:
    left, top, right, bottom = region.box
    return {
        "label": ANOMALY,
        "class_id": ANOMALY_ID,
        "score": region.peak,
        "box": _scaled([left, top, right, bottom], scale),
        "polygons": [_scaled(each, scale) for each in outlines(region.mask, left, top)],
    }


def _scaled(places: Sequence[float], scale: tuple[float, float]) -> list[float]:
    """x and y in turns, from cells of the map to pixels of the picture."""
    return [place * scale[index % 2] for index, place in enumerate(places)]


def _png(values: np.ndarray) -> str:
    buffer = io.BytesIO()
    Image.fromarray((values * _LEVELS).round().astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()
