"""Objects on an image: a box each, and where it is known its outline or its pixels.

Coordinates are pixels of the upright picture; a pixel's left and upper edges have its number, so
that the whole picture is the box (0, 0, width, height). The list of all objects of an image is one
annotation: an empty list says that there is none, which is not the same as no annotation.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vision_assets.vision.inference.answers import NOTHING_ID
from vision_assets.vision.inference.geometry.rle import Rle, decode
from vision_assets.vision.inference.geometry.rle import area as mask_area

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Polygon = tuple[float, ...]
"""x and y in turns, at least three points."""


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """One object.

    Attributes:
        class_id: stable id of its class.
        box: around it.
        polygons: its outline, in one piece or several; empty where it is not known.
        mask: its pixels, of the picture's size; None where they are not known.
    """

    class_id: int
    box: Box
    polygons: tuple[Polygon, ...] = ()
    mask: Rle | None = None

    @property
    def area(self) -> float:
        """Of the box, in pixels."""
        left, top, right, bottom = self.box
        return max(0.0, right - left) * max(0.0, bottom - top)

    @property
    def covered_px(self) -> float:
        """Area of its pixels where they are known, else inside of its outline, else of its box.

        Pieces of an outline are added up, as if none lay over another.
        """
        if self.mask is not None:
            return float(mask_area(self.mask))
        return sum(map(_polygon_area, self.polygons)) if self.polygons else self.area

    def pixels(self, height_px: int, width_px: int) -> np.ndarray:
        """Its mask, (h, w) bool: from pixels, else from the outline, else the box is filled.

        Raises:
            ValueError: the mask is of another size or damaged.
        """
        if self.mask is not None:
            if (self.mask.height_px, self.mask.width_px) != (height_px, width_px):
                raise ValueError(
                    f"expected a mask of {width_px} x {height_px} pixels, got "
                    f"{self.mask.width_px} x {self.mask.height_px}"
                )
            return decode(self.mask)
        return fill(self.polygons or (_corners(self.box),), height_px, width_px)


def fill(polygons: Sequence[Polygon], height_px: int, width_px: int) -> np.ndarray:
    """The pixels whose centres lie inside of any of the polygons, (h, w) bool."""
    mask = np.zeros((height_px, width_px), bool)
    for polygon in polygons:
        _fill_one(np.asarray(polygon, float).reshape(-1, 2), mask)
    return mask


def _fill_one(points: np.ndarray, mask: np.ndarray) -> None:
    """Even-odd rule: every edge that a row of centres crosses turns inside and outside around.

    Only the rows and columns around the polygon are looked at: pictures are large, objects small.

    Args:
        points: (n, 2) float, x and y.
        mask: (h, w) bool, to which the pixels are added.
    """
    height_px, width_px = mask.shape
    top = max(0, math.floor(points[:, 1].min(initial=height_px)))
    bottom = min(height_px, math.ceil(points[:, 1].max(initial=0)))
    ends = np.roll(points, -1, axis=0)
    centres = np.arange(top, bottom) + 0.5
    crossed = (points[:, None, 1] <= centres) != (ends[:, None, 1] <= centres)
    edges, rows = np.nonzero(crossed)
    if not len(edges):
        return
    start, end = points[edges], ends[edges]
    along = (centres[rows] - start[:, 1]) / (end[:, 1] - start[:, 1])
    x = start[:, 0] + along * (end[:, 0] - start[:, 0])
    columns = np.clip(np.ceil(x - 0.5), 0, width_px).astype(int)
    left, right = columns.min(), columns.max()
    turns = np.zeros((bottom - top, right - left + 1), np.uint8)  # 256 turns are as good as none
    np.add.at(turns, (rows, columns - left), 1)
    inside = turns.cumsum(axis=1, dtype=np.uint8)[:, :-1] % 2 == 1
    mask[top:bottom, left:right] |= inside


def to_text(objects: Sequence[AnnotatedObject]) -> str:
    """As the store and manifests keep them: JSON, equal for equal objects in the same order."""
    return json.dumps([_to_json(each) for each in objects], separators=(",", ":"))


def from_text(text: str) -> tuple[AnnotatedObject, ...]:
    """The reverse of `to_text`."""
    return tuple(_from_json(said) for said in json.loads(text))


def objects_of(texts: Iterable[object]) -> list[tuple[AnnotatedObject, ...]]:
    """The objects of several images; none where nobody said which there are."""
    return [from_text(text) if isinstance(text, str) else () for text in texts]


def main_class(objects: Sequence[AnnotatedObject]) -> int:
    """The class that stands for an image: that of its largest object, NOTHING_ID without any."""
    if not objects:
        return NOTHING_ID
    return max(objects, key=lambda each: (each.area, -each.class_id)).class_id


def class_ids(class_id: int, objects: str | None) -> set[int]:
    """Every class that an image shows: those of its objects, or that of its label.

    Args:
        class_id: of the image.
        objects: as manifests have them; missing where the image has a label alone.
    """
    if isinstance(objects, str):
        return {each.class_id for each in from_text(objects)}
    return {class_id}


def outline_box(polygons: Sequence[Polygon]) -> Box:
    """The box around an outline."""
    x = [value for polygon in polygons for value in polygon[0::2]]
    y = [value for polygon in polygons for value in polygon[1::2]]
    return (min(x), min(y), max(x), max(y))


def _polygon_area(polygon: Polygon) -> float:
    """The shoelace formula."""
    points = np.asarray(polygon, float).reshape(-1, 2)
    ends = np.roll(points, -1, axis=0)
    return abs(float((points[:, 0] * ends[:, 1] - ends[:, 0] * points[:, 1]).sum())) / 2


def _corners(box: Box) -> Polygon:
    left, top, right, bottom = box
    return (left, top, right, top, right, bottom, left, bottom)


def _to_json(each: AnnotatedObject) -> dict[str, Any]:
    said: dict[str, Any] = {"class_id": each.class_id, "box": list(each.box)}
    if each.polygons:
        said["polygons"] = [list(polygon) for polygon in each.polygons]
    if each.mask is not None:
        said["mask"] = each.mask.to_json()
    return said


def _from_json(said: dict[str, Any]) -> AnnotatedObject:
    left, top, right, bottom = said["box"]
    return AnnotatedObject(
        class_id=said["class_id"],
        box=(left, top, right, bottom),
        polygons=tuple(tuple(polygon) for polygon in said.get("polygons", ())),
        mask=Rle.from_json(said["mask"]) if "mask" in said else None,
    )
