"""Classification: the scores of a bundle as an answer. Free of torch."""

from collections.abc import Mapping

import numpy as np

from vision_assets.vision.inference.answers import Answer, Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.inference.geometry.windows import Picture
from vision_assets.vision.inference.heat import tinted

DECISIVE = ("scores",)


def to_answer(
    outputs: Outputs,
    card: Card,
    picture: Picture,
    thresholds: Mapping[str, float],
) -> Answer:
    """The class with the highest score.

    Args:
        outputs: `scores`, (1, k) float32, that sum to 1.
        card: names the classes.
        picture: not needed: a label has no place.
        thresholds: of `defect_score`.

    Returns:
        `label`, `class_id`, `score`, and `scores` of all classes by name; `defect_score`, the sum
        over the classes that are defects, and the `decision` by it.
    """
    (scores,) = outputs["scores"]
    top = int(scores.argmax())
    defect_score = _defect_score(scores, card)
    return {
        "label": card.classes[top].name,
        "class_id": card.classes[top].id,
        "score": float(scores[top]),
        "scores": {
            entry.name: float(score) for entry, score in zip(card.classes, scores, strict=True)
        },
        "defect_score": defect_score,
        "decision": decide(defect_score, thresholds),
    }


def _defect_score(scores: np.ndarray, card: Card) -> float:
    defects = [entry.defect for entry in card.classes]
    return min(1.0, float(scores[defects].sum()))


def difference(one: Outputs, other: Outputs) -> float:
    """Largest absolute difference between two batches of scores."""
    return float(np.abs(one["scores"] - other["scores"]).max())


def same(one: Answer, other: Answer) -> bool:
    """Whether both name the same class."""
    return one["class_id"] == other["class_id"]


def draw(pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture) -> np.ndarray:
    """The picture, tinted where the activation map is high."""
    heat = outputs["activation"][0].astype(np.float32)
    span = float(heat.max() - heat.min())
    heat = (heat - heat.min()) / span if span > 0 else np.zeros_like(heat)
    return tinted(pixels, heat)
