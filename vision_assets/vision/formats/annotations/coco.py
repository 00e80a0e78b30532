"""COCO: objects as its JSON says them.

Lin et al., "Microsoft COCO: Common Objects in Context", 2014; https://cocodataset.org/#format-data.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from vision_assets.vision.formats.annotations.said import Kind, SaidObject
from vision_assets.vision.inference.geometry.rle import Rle, area, decode
from vision_assets.vision.objects import Box, Polygon

_LEAST_NUMBERS = 6
_DECIMALS = 6
"""Of a sum of two numbers: what a float adds beyond is not in the file."""


def read_object(said: Mapping[str, Any], label: str | None, index: int) -> SaidObject:
    """One entry of `annotations`.

    Args:
        said: as the JSON has it.
        label: name of its category.
        index: of the entry in its file, from 1.

    Raises:
        ValueError: it is no object; the message says what was expected.
    """
    if label is None:
        raise ValueError(f"expected a category of the file, got {said.get('category_id')!r}"[:200])
    polygons, mask = _segmentation(said.get("segmentation"))
    marks = (Kind.CROWD,) if said.get("iscrowd") in (1, True) else ()
    box = _box(said["bbox"]) if said.get("bbox") else _box_around(polygons, mask)
    return SaidObject(label, box, polygons, mask, index, marks)


def _box(said: Any) -> Box:
    if not isinstance(said, list) or len(said) != len(("x", "y", "width", "height")):
        raise ValueError("expected bbox [x, y, width, height]")
    x, y, width, height = map(_number, said)
    return (x, y, round(x + width, _DECIMALS), round(y + height, _DECIMALS))


def _segmentation(said: Any) -> tuple[tuple[Polygon, ...], Rle | None]:
    """Outlines, or pixels."""
    if isinstance(said, dict):
        return (), _rle(said)
    if isinstance(said, list):
        return tuple(_polygon(polygon) for polygon in said), None
    if said is None:
        return (), None
    raise ValueError("expected a segmentation of outlines or run lengths")


def _polygon(said: Any) -> Polygon:
    if not isinstance(said, list) or len(said) < _LEAST_NUMBERS or len(said) % 2:
        raise ValueError("expected an outline of x and y of 3 points or more")
    return tuple(map(_number, said))


def _rle(said: dict[str, Any]) -> Rle:
    try:
        rle = Rle.from_json(said)
        decode(rle)
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("expected run lengths with size and counts") from error
    return rle


def _box_around(polygons: tuple[Polygon, ...], mask: Rle | None) -> Box:
    if polygons:
        x = [value for polygon in polygons for value in polygon[::2]]
        y = [value for polygon in polygons for value in polygon[1::2]]
        return (min(x), min(y), max(x), max(y))
    if mask is None or not area(mask):
        raise ValueError("expected a bbox or a segmentation, got neither")
    pixels = decode(mask)
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    return (
        *(float(columns[0]), float(rows[0])),
        *(float(columns[-1] + 1), float(rows[-1] + 1)),
    )


def _number(said: Any) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise ValueError(f"expected a number, got {said!r}"[:200])
    value = float(said) if abs(said) < 1e12 else math.nan
    if not math.isfinite(value):
        raise ValueError(f"expected a number of pixels, got {said!r}"[:200])
    return value
