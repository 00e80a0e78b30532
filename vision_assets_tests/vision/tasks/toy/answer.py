"""Scores of the toy task as an answer."""

from collections.abc import Mapping

import numpy as np

from vision_assets.vision.inference.answers import Answer, Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.inference.geometry.windows import Picture

DECISIVE = ("scores",)


def to_answer(
    outputs: Outputs, card: Card, picture: Picture, thresholds: Mapping[str, float]
) -> Answer:
    """The nearest class."""
    (scores,) = outputs["scores"]
    top = int(scores.argmax())
    entry, defects = card.classes[top], [each.defect for each in card.classes]
    defect_score = min(1.0, float(scores[defects].sum()))
    return {
        "label": entry.name,
        "class_id": entry.id,
        "score": float(scores[top]),
        "brightness": float(outputs["embedding"][0, 0]),
        "defect_score": defect_score,
        "decision": decide(defect_score, thresholds),
    }


def difference(one: Outputs, other: Outputs) -> float:
    """Of the scores."""
    return float(np.abs(one["scores"] - other["scores"]).max())


def same(one: Answer, other: Answer) -> bool:
    """Whether both name the same class."""
    return one["class_id"] == other["class_id"]


def draw(pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture) -> np.ndarray:
    """The picture as it is: brightness has no place."""
    return pixels
