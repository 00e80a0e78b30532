"""Outlines of masks as polygons. Free of torch."""

import math

import numpy as np

from vision_assets.vision.inference.resize import resize

_MOST_SIDE_PX = 256
"""Larger masks are traced on a smaller copy, so that the work is bounded."""
_TOLERANCE_PX = 0.75
_HALF, _FULL = 127, 255
_FEWEST_POINTS = 3

Point = tuple[int, int]


def outlines(mask: np.ndarray, left_px: int, top_px: int) -> list[list[float]]:
    """The outer outlines of a mask, each x and y in turns; holes are not told.

    Args:
        mask: (h, w) bool.
        left_px: of the mask in its picture.
        top_px: of the mask in its picture.

    Returns:
        Polygons in pixels of the picture, the largest first; corners of pixels, less those that
        change an outline by less than a pixel of the copy that it was traced on.
    """
    height, width = mask.shape
    scale = max(1.0, max(height, width) / _MOST_SIDE_PX)
    sides = max(1, round(height / scale)), max(1, round(width / scale))
    small = mask if scale == 1 else resize(mask.astype(np.uint8) * _FULL, *sides) > _HALF
    factors = np.array([width / sides[1], height / sides[0]])
    loops = [np.array(loop, float) for loop in traced(small)]
    outer = sorted(((_area(loop), index) for index, loop in enumerate(loops)), reverse=True)
    found: list[list[float]] = []
    for area, index in outer:
        points = simplified(loops[index], _TOLERANCE_PX)
        if area > 0 and len(points) >= _FEWEST_POINTS:
            placed = points * factors + (left_px, top_px)
            found.append([round(float(value), 1) for value in placed.ravel()])
    return found


def traced(mask: np.ndarray) -> list[list[Point]]:
    """The loops of pixel edges around a mask, as corners (x, y).

    Outer loops go clockwise on the screen, those around holes the other way.

    Args:
        mask: (h, w) bool.
    """
    follow = _edges(mask)
    loops: list[list[Point]] = []
    while follow:
        start = next(iter(follow))
        loop, here, before = [start], start, (0, 0)
        while True:
            ends = follow[here]
            there = ends.pop(_sharpest_left(here, before, ends))
            if not ends:
                del follow[here]
            step = (there[0] - here[0], there[1] - here[1])
            if step == before:
                loop.pop()
            before, here = step, there
            if here == start:
                break
            loop.append(here)
        loops.append(loop)
    return loops


def simplified(points: np.ndarray, tolerance: float) -> np.ndarray:
    """A closed outline with fewer corners (Douglas, Peucker, "Algorithms for the Reduction of the
    Number of Points Required to Represent a Digitized Line", 1973).

    Args:
        points: (n, 2).
        tolerance: how far a corner that is left out may lie from the new outline.
    """
    if len(points) <= _FEWEST_POINTS + 1:
        return points
    far = int(((points - points[0]) ** 2).sum(1).argmax())
    closed = np.concatenate([points, points[:1]])
    kept = np.zeros(len(closed), bool)
    kept[[0, far, len(closed) - 1]] = True
    spans = [(0, far), (far, len(closed) - 1)]
    while spans:
        begin, end = spans.pop()
        away = _distances(closed[begin + 1 : end], closed[begin], closed[end])
        if len(away) and away.max() > tolerance:
            corner = begin + 1 + int(away.argmax())
            kept[corner] = True
            spans += [(begin, corner), (corner, end)]
    return closed[:-1][kept[:-1]]


def _edges(mask: np.ndarray) -> dict[Point, list[Point]]:
    """Where the edges that begin at a corner end; the mask lies to their right."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    follow: dict[Point, list[Point]] = {}
    for beside, begin, end in sides:
        rows, columns = np.nonzero(inside & ~beside)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            start = (column + begin[0], row + begin[1])
            follow.setdefault(start, []).append((column + end[0], row + end[1]))
    return follow


def _sharpest_left(here: Point, before: Point, ends: list[Point]) -> int:
    """Which of two edges to take where pixels touch by a corner: the one that joins them."""
    turns = [before[0] * (end[1] - here[1]) - before[1] * (end[0] - here[0]) for end in ends]
    return min(range(len(ends)), key=turns.__getitem__)


def _area(points: np.ndarray) -> float:
    """Positive for loops that go clockwise on the screen."""
    x, y = points.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def _distances(points: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Of points from the line through two others; from the first where both are the same."""
    along = end - begin
    length = math.hypot(*along)
    if not length:
        return np.hypot(*(points - begin).T)
    away = points - begin
    return np.abs(away[:, 0] * along[1] - away[:, 1] * along[0]) / length
