"""What views show, pixel by pixel: kept as text, rasterised once into a file.

The file has no name and lies on the disk: ten times the images take ten times the disk, and the
same memory.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
import pandas as pd
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.inference.geometry.windows import Window
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.objects import from_text
from vision_assets.vision.tasks.segmentation.class_map import MOST_CLASSES, class_map, indices
from vision_assets.vision.training.pixel_file import read_image, write_image
from vision_assets.vision.training.views import window_of

_HALF = 127.5
_FULL = 255


@dataclass(frozen=True)
class View:
    """One view and the objects of its picture.

    Attributes:
        objects: of the whole picture, as manifests have them.
        height_px: of the picture.
        width_px: of the picture.
        window: the part that is shown.
    """

    objects: str
    height_px: int
    width_px: int
    window: Window


@dataclass(frozen=True)
class ObjectTargets:
    """Targets of views, as text; `rasterised` makes them maps of a size.

    Attributes:
        views: in the order of the samples.
        classes: in the order of the scores.
        remarks: what a person should know of all of them.
    """

    views: Sequence[View]
    classes: tuple[CardClass, ...]
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, part: slice) -> "ObjectTargets":
        return ObjectTargets(self.views[part], self.classes, self.remarks)


@dataclass(frozen=True)
class ClassMaps:
    """Maps of class indices in a file.

    Attributes:
        file: one map after the other; None where there are none.
        counts: (n, k + 1) int64, pixels of each class in each view.
        height_px: of each.
        width_px: of each.
        defects: (k + 1,) bool, which indices are defects.
    """

    file: BinaryIO | None
    counts: np.ndarray = field(repr=False)
    height_px: int
    width_px: int
    defects: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, chosen: np.ndarray) -> torch.Tensor:
        """Maps at positions (n,), as (n, h, w) uint8 in memory."""
        maps = np.empty((len(chosen), self.height_px, self.width_px), np.uint8)
        for each, position in zip(maps, chosen, strict=True):
            read_image(self.file, int(position), each)
        return torch.from_numpy(maps)


def object_targets(rows: pd.DataFrame, classes: Sequence[CardClass]) -> ObjectTargets:
    """The targets of views.

    Raises:
        TrainingError: an image has no list of objects, an object of another class, or a mask
            that does not fit; there are more classes than a byte can name.
    """
    if len(classes) > MOST_CLASSES:
        raise TrainingError(f"expected at most {MOST_CLASSES} classes, got {len(classes)}")
    _check_objects(rows, classes)
    views = [
        View(str(row["objects"]), int(row["height"]), int(row["width"]), window_of(row))
        for row in rows.to_dict("records")
    ]
    return ObjectTargets(views, tuple(classes), _remarks(rows))


def _remarks(rows: pd.DataFrame) -> tuple[str, ...]:
    """How many objects are boxes alone, which are filled."""
    first = rows.drop_duplicates("image_id")
    objects = [each for text in first["objects"] for each in from_text(text)]
    boxes = sum(each.mask is None and not each.polygons for each in objects)
    if not boxes:
        return ()
    return (
        f"{boxes} of {len(objects)} objects have a box alone: all of it counts as their pixels; "
        "annotate masks or outlines to learn where they end",
    )


def _check_objects(rows: pd.DataFrame, classes: Sequence[CardClass]) -> None:
    if "objects" not in rows or rows["objects"].isna().any():
        raise TrainingError(
            "expected a list of objects for every image, got images that have a label alone; "
            "annotate their regions, with an empty list where there is nothing"
        )
    known = {entry.id for entry in classes}
    for text in rows["objects"].unique():
        strange = sorted({each.class_id for each in from_text(text)} - known)
        if strange:
            raise TrainingError(
                f"expected objects of the classes {[entry.name for entry in classes]}, got the "
                f"class ids {strange}; add them to the classes or annotate those images again"
            )


@contextmanager
def rasterised(targets: ObjectTargets, height_px: int, width_px: int) -> Iterator[ClassMaps]:
    """Maps of the size that the network takes, in a file that is open while the block runs.

    Raises:
        TrainingError: a mask is of another size than its picture, or damaged.
    """
    counts = np.zeros((len(targets), len(targets.classes) + 1), np.int64)
    defects = np.array([False, *(entry.defect for entry in targets.classes)])
    with tempfile.TemporaryFile() as file:
        for row, small in enumerate(_maps(targets, height_px, width_px)):
            write_image(file, row, small)
            counts[row] = np.bincount(small.ravel(), minlength=counts.shape[1])
        yield ClassMaps(file, counts, height_px, width_px, defects)


def _maps(targets: ObjectTargets, height_px: int, width_px: int) -> Iterator[np.ndarray]:
    """One map per view; views of one picture follow each other and share its raster."""
    index = indices(targets.classes)
    before: tuple[str, int, int] | None = None
    picture = np.empty(0, np.uint8)
    for view in targets.views:
        key = (view.objects, view.height_px, view.width_px)
        if key != before:
            try:
                picture = class_map(from_text(view.objects), *key[1:], index)
            except ValueError as error:
                raise TrainingError(f"a mask cannot be used: {error}; annotate it again") from error
            before = key
        yield shrink(view.window.of(picture), height_px, width_px)


def shrink(classes: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """A map in another size: of each class the pixels of which it covers at least half.

    Args:
        classes: (h, w) uint8.
        height_px: of the result.
        width_px: of the result.

    Returns:
        (height_px, width_px) uint8, contiguous.
    """
    small = np.zeros((height_px, width_px), np.uint8)
    most = np.full((height_px, width_px), _HALF, np.float32)
    for index in np.unique(classes[classes > 0]):
        covered = resize((classes == index).astype(np.float32) * _FULL, height_px, width_px)
        small[covered > most] = index
        most = np.maximum(most, covered)
    return small
