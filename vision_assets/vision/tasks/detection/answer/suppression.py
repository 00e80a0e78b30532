"""Boxes of one object made one, in numpy: in a view, and where views of a picture overlap."""

import numpy as np

CUT_SHARE = 0.7
"""A box that a tile's edge cuts counts for so much of its score: another tile shows it whole."""
_CONTAINED = 0.6
_NEAR_EDGE = 0.01


def iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of every box with every other, (m, n), of (m, 4) and (n, 4)."""
    shared = intersection(one, other)
    union = area(one)[:, None] + area(other)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def intersection(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Area that every box shares with every other, (m, n)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    return (high - low).clip(min=0).prod(2)


def area(boxes: np.ndarray) -> np.ndarray:
    """(m,) of (m, 4)."""
    return (boxes[:, 2:] - boxes[:, :2]).clip(min=0).prod(1)


def suppress(
    boxes: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray,
    cut: np.ndarray,
    overlap: float,
    most: int,
) -> np.ndarray:
    """Which boxes stay, strongest first: each removes weaker ones of its class that overlap it.

    Args:
        boxes: (m, 4) float.
        scores: (m,) float.
        classes: (m,) int.
        cut: (m,) bool, whether the edge of a tile cuts the box; such a one is removed as well
            where most of it lies in the stronger box, whose other part the tile does not show.
        overlap: IoU from which two boxes are of one object.
        most: boxes that stay.

    Returns:
        (at most `most`,) indices.
    """
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    areas = area(boxes)
    while len(waiting) and len(kept) < most:
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        shared = intersection(boxes[best][None], boxes[waiting])[0]
        union = areas[best] + areas[waiting] - shared
        contained = shared >= _CONTAINED * np.minimum(areas[waiting], areas[best])
        same = (shared >= overlap * union) | (contained & (cut[waiting] | cut[best]))
        same &= (shared > 0) & (classes[waiting] == classes[best])
        waiting = waiting[~same]
    return np.array(kept, np.int64)


def is_cut(boxes: np.ndarray, inner: tuple[bool, bool, bool, bool]) -> np.ndarray:
    """Whether each box ends at an edge of its view beyond which the picture goes on, (m,) bool.

    Args:
        boxes: (m, 4); 0 and 1 are the view's edges.
        inner: whether the picture goes on to the left, top, right and bottom.
    """
    ends = np.concatenate([boxes[:, :2] < _NEAR_EDGE, boxes[:, 2:] > 1 - _NEAR_EDGE], 1)
    return np.asarray((ends & np.array(inner)).any(1))
