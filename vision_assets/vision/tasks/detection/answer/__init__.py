"""Detection: the boxes of a bundle as objects of a picture. Free of torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, Answer, Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.inference.geometry.windows import Picture
from vision_assets.vision.tasks.detection.answer.candidates import (
    FOUND_FROM,
    Candidates,
    candidates,
    found_from,
)
from vision_assets.vision.tasks.detection.answer.comparing import difference, same
from vision_assets.vision.tasks.detection.answer.drawing import draw

__all__ = ["DECISIVE", "beside_answer", "difference", "draw", "same", "to_answer"]

DECISIVE = ("boxes", "scores", "classes")


def to_answer(
    outputs: Outputs, card: Card, picture: Picture, thresholds: Mapping[str, float]
) -> Answer:
    """The objects whose scores reach what is asked of their class.

    Args:
        outputs: `boxes` (v, m, 4), `scores` (v, m), `classes` (v, m).
        card: names the classes; its calibration has `found_from/<position>`.
        picture: whose pixels the boxes of an answer are in.
        thresholds: of `defect_score`.

    Returns:
        `objects`, strongest first, each with `label`, `class_id`, `score`, `box`; `label`,
        `class_id` and `score` of the strongest, or NOTHING; `found_from`, the least score of an
        object by class; `defect_score`, the highest score of any box of a class that is a defect,
        and the `decision` by it.
    """
    return _answer(candidates(outputs, card, picture), card, thresholds)


def beside_answer(outputs: Outputs, card: Card, picture: Picture) -> Answer:
    """`faint`: class id, score and box of each object below what is asked of its class.

    Precision can be followed along recall with them.
    """
    found = candidates(outputs, card, picture)
    faint = found.scores < found_from(card)[found.classes]
    ids = np.array([entry.id for entry in card.classes])
    rows = zip(
        ids[found.classes[faint]].tolist(),
        found.scores[faint].tolist(),
        found.boxes[faint].tolist(),
        strict=True,
    )
    return {"faint": [[class_id, round(score, 6), *_rounded(box)] for class_id, score, box in rows]}


def _answer(found: Candidates, card: Card, thresholds: Mapping[str, float]) -> Answer:
    least = found_from(card)
    told = np.flatnonzero(found.scores >= least[found.classes])
    objects = [_object(found, int(index), card) for index in told]
    top = objects[0] if objects else {"label": NOTHING, "class_id": NOTHING_ID}
    defects = np.array([entry.defect for entry in card.classes])
    defect_score = float(found.scores[defects[found.classes]].max(initial=0.0))
    strongest = float(found.scores.max(initial=0.0))
    return {
        "label": top["label"],
        "class_id": top["class_id"],
        "score": top.get("score", 1 - strongest),
        "objects": objects,
        FOUND_FROM: {
            entry.name: float(score) for entry, score in zip(card.classes, least, strict=True)
        },
        "defect_score": defect_score,
        "decision": decide(defect_score, thresholds),
    }


def _object(found: Candidates, index: int, card: Card) -> dict[str, Any]:
    entry = card.classes[int(found.classes[index])]
    return {
        "label": entry.name,
        "class_id": entry.id,
        "score": float(found.scores[index]),
        "box": _rounded(found.boxes[index].tolist()),
    }


def _rounded(box: list[float]) -> list[float]:
    return [round(each, 2) for each in box]
