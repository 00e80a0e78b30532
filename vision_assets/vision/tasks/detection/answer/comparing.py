"""Whether two runs of a model, or two answers, say the same."""

import numpy as np

from vision_assets.vision.inference.answers import Answer, Outputs
from vision_assets.vision.tasks.detection.answer.candidates import FAINTEST, FOUND_FROM
from vision_assets.vision.tasks.detection.answer.suppression import iou

_SAME_IOU = 0.9
_SAME_SCORE = 0.01
_TIE = 1e-3


def difference(one: Outputs, other: Outputs) -> float:
    """Largest difference of a score or a box, whatever the order of boxes with equal scores.

    The scores are compared in order; each box with the nearest one of its class whose score is
    the same up to rounding. Boxes fainter than an answer looks at do not count, nor do those
    as faint as the faintest: which of these are among them is chance.
    """
    largest = float(np.abs(one["scores"] - other["scores"]).max(initial=0))
    for view in range(len(one["scores"])):
        these, those = (_of_view(outputs, view) for outputs in (one, other))
        largest = max(largest, _farthest(these, those), _farthest(those, these))
    return largest


def same(one: Answer, other: Answer) -> bool:
    """Whether both tell of the same objects: of one class each and in the same place.

    An object that one of them alone tells of counts only where its score is clearly above what
    is asked of its class.
    """
    return _has_all(one, other) and _has_all(other, one)


def _of_view(outputs: Outputs, view: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return outputs["boxes"][view], outputs["scores"][view], outputs["classes"][view]


def _farthest(these: tuple[np.ndarray, ...], those: tuple[np.ndarray, ...]) -> float:
    """The largest distance of a box to the nearest of its class and score among the others."""
    boxes, scores, classes = these
    counted = scores >= max(FAINTEST, float(scores[-1]) + _TIE)
    boxes, scores, classes = boxes[counted], scores[counted], classes[counted]
    if not len(boxes):
        return 0.0
    away = np.abs(boxes[:, None] - those[0][None]).max(2)
    away = np.maximum(away, np.abs(scores[:, None] - those[1][None]))
    away = np.where(classes[:, None] == those[2][None], away, 1.0)
    return float(away.min(1).max())


def _has_all(one: Answer, other: Answer) -> bool:
    """Whether every object of the one that is clear enough is in the other, each once."""
    free = list(range(len(other["objects"])))
    places = np.array([each["box"] for each in other["objects"]], float).reshape(-1, 4)
    for each in one["objects"]:
        ious = iou(np.array([each["box"]], float), places)[0]
        fitting = [
            index
            for index in free
            if other["objects"][index]["class_id"] == each["class_id"] and ious[index] >= _SAME_IOU
        ]
        if fitting:
            free.remove(max(fitting, key=lambda index: ious[index]))
        elif each["score"] >= one[FOUND_FROM][each["label"]] + _SAME_SCORE:
            return False
    return True
