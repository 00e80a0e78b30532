"""Outlines against the picture: whether they cover anything, and what of them lies inside."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vision_assets.vision.objects import Polygon

_THIN_PX = 1e-4
"""Coordinates are kept to this: a line that was rounded is no wider."""
_DECIMALS = 4

_Point = tuple[float, float]


def has_area(polygons: Sequence[Polygon]) -> bool:
    """Whether one of the pieces is more than a line."""
    return any(not _is_line(polygon) for polygon in polygons)


def inside(polygons: Sequence[Polygon], width: int, height: int) -> tuple[Polygon, ...]:
    """The parts of outlines inside of a picture; pieces outside are left out.

    Each side of the picture in turn cuts what the one before left, which is exact for the area;
    where that leaves several parts, edges along the border join them (Sutherland and Hodgman,
    "Reentrant polygon clipping", 1974).
    """
    cut = (_cut(polygon, width, height) for polygon in polygons)
    return tuple(polygon for polygon in cut if polygon and not _is_line(polygon))


def _is_line(polygon: Polygon) -> bool:
    """By the second principal axis: a figure of eight covers pixels, though its area adds to 0."""
    if _has_triangle(polygon):
        return False
    points = np.asarray(polygon, float).reshape(-1, 2)
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] <= _THIN_PX * len(points) ** 0.5)


def _has_triangle(polygon: Polygon) -> bool:
    """Whether three of its points span more than a line, which nearly all outlines have quickly."""
    third = len(polygon) // 6 * 2
    (x, y), (a, b), (c, d) = polygon[:2], polygon[third : third + 2], polygon[2 * third :][:2]
    sides = abs(a - x) + abs(b - y) + abs(c - x) + abs(d - y)
    return abs((a - x) * (d - y) - (b - y) * (c - x)) > 4 * _THIN_PX * (sides + 1)


def _cut(polygon: Polygon, width: int, height: int) -> Polygon:
    points: list[_Point] = list(zip(polygon[::2], polygon[1::2], strict=True))
    for axis, border, sign in ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1)):
        points = _behind(points, axis, border, sign)
    return tuple(value for point in points for value in point)


def _behind(points: list[_Point], axis: int, border: float, sign: int) -> list[_Point]:
    """What of a closed line lies on one side of a border."""
    kept: list[_Point] = []
    for start, end in pairwise([*points, *points[:1]]):
        depth, depth_end = sign * (start[axis] - border), sign * (end[axis] - border)
        if depth >= 0:
            kept.append(start)
        if (depth < 0) != (depth_end < 0):
            share = depth / (depth - depth_end)
            other = round(start[1 - axis] + share * (end[1 - axis] - start[1 - axis]), _DECIMALS)
            kept.append((border, other) if axis == 0 else (other, border))
    return kept
