"""Which found boxes are which annotated objects, by the rules of COCO, and what the others are.

The kinds of error are those of Bolya et al., "TIDE: A General Toolbox for Identifying Object
Detection Errors", 2020, with its bounds.
"""

from dataclasses import dataclass, field

import numpy as np

from vision_assets.vision.tasks.detection.suppression import iou

MATCHED_FROM = 0.5
"""IoU from which a box is that of an object."""
_NEAR_FROM = 0.1
"""IoU from which a box has something to do with an object."""
MISSED, DUPLICATE, BACKGROUND = "missed", "duplicate", "background"
WRONG_CLASS, BADLY_PLACED, BOTH = "wrong class", "badly placed", "wrong class and badly placed"
KINDS = (MISSED, DUPLICATE, WRONG_CLASS, BADLY_PLACED, BOTH, BACKGROUND)


@dataclass(frozen=True)
class Boxes:
    """Boxes of one image; of found ones the strongest first.

    Attributes:
        boxes: (m, 4) float, in pixels.
        classes: (m,) int, ids.
        scores: (m,) float; annotated ones have 1.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, chosen: np.ndarray) -> "Boxes":
        return Boxes(self.boxes[chosen], self.classes[chosen], self.scores[chosen])


@dataclass(frozen=True)
class Errors:
    """What went wrong on one image.

    Attributes:
        missed: (t,) bool, objects that nothing found.
        kinds: of each found box its kind of error; empty where it is right.
        confused: pairs of class ids, the object's and the one that was said of it.
    """

    missed: np.ndarray
    kinds: list[str]
    confused: list[tuple[int, int]] = field(default_factory=list)


def matched(found: Boxes, truth: Boxes, at: float = MATCHED_FROM) -> np.ndarray:
    """The object that each found box is of, (m,) int; -1 where it is of none.

    Strongest first, each takes the object of its class that it overlaps most and that no
    stronger one took.

    Args:
        found: strongest first.
        truth: what is annotated.
        at: least IoU.
    """
    return _matched(iou(found.boxes, truth.boxes), found.classes, truth.classes, at)


def _matched(overlaps: np.ndarray, found: np.ndarray, truth: np.ndarray, at: float) -> np.ndarray:
    taken = np.full(len(found), -1, np.int64)
    if not overlaps.size:
        return taken
    overlaps = np.where(found[:, None] == truth[None], overlaps, 0.0)
    for index in np.flatnonzero(overlaps.max(1) >= at):
        best = int(overlaps[index].argmax())
        if overlaps[index, best] >= at:
            taken[index] = best
            overlaps[:, best] = 0.0
    return taken


def errors(found: Boxes, truth: Boxes) -> Errors:
    """The kind of error of each found box that is of no object, and the objects missed.

    An object that a box of a wrong class, or a badly placed one, is about is not missed.

    Args:
        found: what was told, strongest first.
        truth: what is annotated.
    """
    overlaps = iou(found.boxes, truth.boxes)
    taken = _matched(overlaps, found.classes, truth.classes, MATCHED_FROM)
    missed = np.ones(len(truth), bool)
    missed[taken[taken >= 0]] = False
    if not len(truth):
        return Errors(missed, [BACKGROUND] * len(found))
    free, kinds = missed.copy(), []
    confused: list[tuple[int, int]] = []
    for index, took in enumerate(taken):
        if took >= 0:
            kinds.append("")
            continue
        own = truth.classes == found.classes[index]
        kind, about = _kind(overlaps[index], own, free)
        kinds.append(kind)
        if kind in (WRONG_CLASS, BADLY_PLACED):
            missed[about] = False
        if kind == WRONG_CLASS and free[about]:
            free[about] = False
            confused.append((int(truth.classes[about]), int(found.classes[index])))
    return Errors(missed, kinds, confused)


def _kind(overlaps: np.ndarray, own: np.ndarray, free: np.ndarray) -> tuple[str, int]:
    """The kind of an error, and the object that it is about.

    Args:
        overlaps: (t,) IoU with each object.
        own: (t,) bool, whether the object is of the class that was said.
        free: (t,) bool, whether no other box is about the object.
    """
    of_own, of_others = np.where(own, overlaps, 0.0), np.where(own, 0.0, overlaps)
    mine, other = int(of_own.argmax()), int(of_others.argmax())
    if of_own[mine] >= MATCHED_FROM:
        return DUPLICATE, mine
    if of_others[other] >= MATCHED_FROM:
        unclaimed = np.where(free, of_others, 0.0)
        best = int(unclaimed.argmax())
        return WRONG_CLASS, best if unclaimed[best] >= MATCHED_FROM else other
    if of_own[mine] >= _NEAR_FROM:
        return BADLY_PLACED, mine
    return (BOTH, other) if of_others[other] >= _NEAR_FROM else (BACKGROUND, -1)
