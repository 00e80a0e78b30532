"""From the coordinates of an annotation file to pixels of the upright picture.

A file that gives the size of the raster, where that is another one than the upright picture's, was
made on the raster: its coordinates are turned with it. Else they are of the upright picture, which
is what tools for annotation show.
"""

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject
from vision_assets.vision.inference.decode import UPRIGHT
from vision_assets.vision.inference.geometry.rle import Rle, decode, encode
from vision_assets.vision.objects import Box, Polygon

_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """Size of an image in pixels, and what turns its raster upright.

    Attributes:
        size: width and height of the upright picture.
        orientation: EXIF's, 1..8.
    """

    size: tuple[int, int]
    orientation: int = 1

    @property
    def raster(self) -> tuple[int, int]:
        """Width and height before it is turned."""
        width, height = self.size
        return (width, height) if self.orientation < 5 else (height, width)


def to_upright(said: Said, frame: Frame) -> tuple[SaidObject, ...] | Fault:
    """The objects in pixels of the upright picture, or why they are of another one."""
    objects = said.objects or ()
    if said.in_shares:
        return tuple(_scaled(each, *frame.size) for each in objects)
    if said.size is None or said.size == frame.size:
        return objects
    if said.size == frame.raster:
        return tuple(_turned(each, frame) for each in objects)
    return Fault(
        Kind.ANOTHER_SIZE,
        said.file,
        f"expected a picture of {_sides(frame.size)} px, as the image is, got {_sides(said.size)}",
    )


def _sides(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"


def _scaled(each: SaidObject, width: int, height: int) -> SaidObject:
    sides = (width, height) * 2
    left, top, right, bottom = (_pixels(*pair) for pair in zip(each.box, sides, strict=True))
    polygons = tuple(
        tuple(_pixels(value, sides[at % 2]) for at, value in enumerate(polygon))
        for polygon in each.polygons
    )
    return replace(each, box=(left, top, right, bottom), polygons=polygons)


def _pixels(share: float, side: int) -> float:
    """Rounded by far less than the share was: what was a whole pixel is one again."""
    return round(share * side, _DECIMALS)


def _turned(each: SaidObject, frame: Frame) -> SaidObject:
    left, top, right, bottom = each.box
    (x1, x2), (y1, y2) = _turned_points(np.array([[left, top], [right, bottom]]), frame).T.tolist()
    box: Box = (min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    polygons = tuple(_turned_polygon(polygon, frame) for polygon in each.polygons)
    mask = each.mask
    if mask is not None and (mask.width_px, mask.height_px) == frame.raster:
        mask = _turned_mask(mask, frame.orientation)
    return replace(each, box=box, polygons=polygons, mask=mask)


def _turned_polygon(polygon: Polygon, frame: Frame) -> Polygon:
    points = np.array(polygon, float).reshape(-1, 2)
    return tuple(_turned_points(points, frame).ravel().tolist())


def _turned_points(points: np.ndarray, frame: Frame) -> np.ndarray:
    """Points of the raster, (n, 2), in the upright picture."""
    width, height = frame.raster
    x, y = points.T
    turned = {
        1: (x, y),
        2: (width - x, y),
        3: (width - x, height - y),
        4: (x, height - y),
        5: (y, x),
        6: (height - y, x),
        7: (height - y, width - x),
        8: (y, width - x),
    }
    return np.stack(turned[frame.orientation], axis=1)


def _turned_mask(mask: Rle, orientation: int) -> Rle:
    image = Image.fromarray(decode(mask))
    return encode(np.asarray(image.transpose(UPRIGHT[orientation])))
