"""Masks: pictures whose values say which class a pixel is of."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vision_assets.vision.formats.annotations.file_text import Unusable
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject
from vision_assets.vision.inference.decode import PILLOW_ERRORS
from vision_assets.vision.inference.geometry.rle import Rle
from vision_assets.vision.objects import Box
from vision_assets.vision.spec import MaskSpec

MAX_PIXELS = 100_000_000
MAX_OBJECTS = 10_000
_FORMATS = ("PNG", "BMP", "TIFF", "GIF")
_ONE_CHANNEL = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L", "I;16N")


def read_mask(data: bytes, file: str, spec: MaskSpec, label: str | None = None) -> Said:
    """Read the mask of one image.

    Args:
        data: content of the file.
        file: its name, for messages.
        spec: what its values mean.
        label: class of what is light in a binary mask.

    Raises:
        Unusable: it is no mask, or too large.
    """
    values = _values(data, spec.kind)
    height, width = values.shape
    regions, faults = _regions(values, file, spec, label)
    objects = [
        SaidObject(name, box, mask=rle, index=index)
        for index, (name, box, rle) in enumerate(_pieces(regions, spec.instances), start=1)
    ]
    return Said(file, tuple(objects), size=(width, height), faults=tuple(faults))


@dataclass(frozen=True)
class _Region:
    """Pixels of one class, (h, w) bool."""

    label: str
    pixels: np.ndarray


def _values(data: bytes, kind: str) -> np.ndarray:
    """(h, w): grey levels, indices, or colours as 0xrrggbb."""
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Unusable(Kind.TOO_LARGE, f"expected at most {MAX_PIXELS} pixels")
            return _of_kind(image, kind)
    except PILLOW_ERRORS as error:
        raise Unusable(Kind.DAMAGED, f"expected a whole mask, got an error: {error}") from error


def _of_kind(image: Image.Image, kind: str) -> np.ndarray:
    if kind == "colour":
        red, green, blue = np.moveaxis(np.asarray(image.convert("RGB"), np.int64), -1, 0)
        return red << 16 | green << 8 | blue
    if kind == "binary" and image.mode not in ("L", "I", "I;16", "I;16B", "I;16L", "I;16N"):
        image = image.convert("L")
    if image.mode not in _ONE_CHANNEL:
        raise Unusable(Kind.DAMAGED, f"expected a mask of one channel, got mode {image.mode}")
    return np.asarray(image).astype(np.int64)


def _regions(
    values: np.ndarray, file: str, spec: MaskSpec, label: str | None
) -> tuple[list[_Region], list[Fault]]:
    if spec.kind == "binary":
        light = values >= spec.threshold
        if not light.any():
            return [], []
        if label is None:
            detail = "expected a label by the image's folder or `pattern`, got none"
            return [], [Fault(Kind.BAD_OBJECT, file, detail, 1)]
        return [_Region(label, light)], []
    classes = {_number(key): name for key, name in spec.classes.items()}
    silent = {_number(key) for key in (*spec.background, *spec.void)}
    found, counts = np.unique(values, return_counts=True)
    regions = [_Region(classes[v], values == v) for v in found.tolist() if v in classes]
    strange = [
        (value, count)
        for value, count in zip(found.tolist(), counts.tolist(), strict=True)
        if value not in classes and value not in silent
    ]
    return regions, _strange(strange, file, spec.kind, first=len(regions) + 1)


def _strange(values: list[tuple[int, int]], file: str, kind: str, first: int) -> list[Fault]:
    """One fault for all values that mean nothing."""
    if not values:
        return []
    names = [_key(value, kind) for value, _ in values]
    pixels = sum(count for _, count in values)
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    detail = (
        "expected values that masks.classes, background or void name, got "
        f"{', '.join(names[:5])}{more} in {pixels} pixels"
    )
    return [Fault(Kind.BAD_OBJECT, file, detail, first)]


def _pieces(regions: list[_Region], instances: bool) -> Iterator[tuple[str, Box, Rle]]:
    """Class, box and pixels of each object."""
    n_pieces = 0
    for region in regions:
        for rows, columns in _connected(region) if instances else [_all_of(region)]:
            n_pieces += 1
            if n_pieces > MAX_OBJECTS:
                raise Unusable(
                    Kind.TOO_LARGE,
                    f"expected at most {MAX_OBJECTS} regions; set masks.instances to false",
                )
            yield region.label, _box(rows, columns), _rle(rows, columns, region.pixels.shape)


def _all_of(region: _Region) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(region.pixels)
    return rows, columns


def _connected(region: _Region) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of each group of pixels that touch, also by a corner."""
    from scipy import ndimage

    numbers = np.zeros(region.pixels.shape, np.int32)
    ndimage.label(region.pixels, np.ones((3, 3), int), output=numbers)
    for number, window in enumerate(ndimage.find_objects(numbers), start=1):
        rows, columns = np.nonzero(numbers[window] == number)
        yield rows + window[0].start, columns + window[1].start


def _box(rows: np.ndarray, columns: np.ndarray) -> Box:
    return (
        *(float(columns.min()), float(rows.min())),
        *(float(columns.max() + 1), float(rows.max() + 1)),
    )


def _rle(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> Rle:
    """Runs of the pixels, without a picture of them."""
    height, width = shape
    inside = np.sort(columns * height + rows)
    breaks = np.flatnonzero(np.diff(inside) > 1)
    starts = inside[np.concatenate([[0], breaks + 1])]
    ends = inside[np.concatenate([breaks, [len(inside) - 1]])] + 1
    edges = np.stack([starts, ends], axis=1).ravel()
    runs = np.diff(np.concatenate([[0], edges, [height * width]]))
    kept = runs if runs[-1] else runs[:-1]
    return Rle.from_json({"size": [height, width], "counts": kept.tolist()})


def _number(key: str) -> int:
    return int(key.removeprefix("#"), 16 if key.startswith("#") else 10)


def _key(value: int, kind: str) -> str:
    return f"#{value:06x}" if kind == "colour" else str(value)
