"""Where drawn pictures and what is known of them go, per format.

    pattern    name.jpg: the name says it all
    voc, coco, yolo    as `vision.formats.writing` has them, boxes; with coco also pixels
    masks      images/name.jpg, masks/name.png: light is the class of the name
    mvtec      train/good, test/<label>, ground_truth/<label>/<name>_mask.png

Some annotations are wrong, as people make them wrong: a box without area, one that leaves the
picture, a file that is cut off; a mask of another size.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np
from PIL import Image

from vision_assets.vision.atomic import write_bytes
from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.formats.writing.writers import writer
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, Box
from vision_assets.vision.samples.defects import DRAWERS
from vision_assets.vision.samples.draw import OK, Sample
from vision_assets.vision.spec import ClassSpec

CLASSES = tuple(ClassSpec(id=n, name=name) for n, name in enumerate(DRAWERS))
"""Of objects: `ok` is none."""

_GOOD = "good"
_TESTED = 4
"""Of MVTec's layout, every fourth good picture is a test."""


class Annotator(Protocol):
    """One format in one folder."""

    def place(self, name: str, label: str, turn: int) -> str:
        """Where a picture goes: a posix path below the folder; `turn` counts pictures."""
        ...

    def note(self, place: str, sample: Sample, is_wrong: bool) -> bool:
        """Write down what is known of a picture, wrongly where asked and possible.

        Returns:
            Whether it is wrong.
        """
        ...

    def finish(self) -> None:
        """Write what is written once, for all pictures."""
        ...


def annotator(format: str, folder: Path) -> Annotator:
    """The annotator of a format.

    Raises:
        SpecError: there is none of that name.
    """
    if format in ("voc", "coco", "yolo"):
        return _Objects(folder, format)
    others = {"pattern": _Names, "masks": _Masks, "mvtec": _Mvtec}
    if format not in others:
        raise SpecError(f"expected a format of {', '.join(FORMATS)}, got {format!r}")
    return others[format](folder)


FORMATS = ("pattern", "voc", "coco", "yolo", "masks", "mvtec")


@dataclass
class _Names:
    """Nothing but names."""

    folder: Path

    def place(self, name: str, label: str, turn: int) -> str:
        return name

    def note(self, place: str, sample: Sample, is_wrong: bool) -> bool:
        return False

    def finish(self) -> None:
        """There is nothing more."""


@dataclass
class _Objects:
    """Boxes, kept until the end: some 300 bytes a picture, and its runs with coco."""

    folder: Path
    format: str
    images: list[AnnotatedImage] = field(default_factory=list)
    cut_off: list[str] = field(default_factory=list)
    n_wrong: int = 0

    def place(self, name: str, label: str, turn: int) -> str:
        return writer(self.format).picture_file(AnnotatedImage(name, 0, 0))

    def note(self, place: str, sample: Sample, is_wrong: bool) -> bool:
        height_px, width_px = sample.mask.shape
        objects = _objects(sample, with_pixels=self.format == "coco")
        name = PurePosixPath(place).name
        is_wrong = is_wrong and bool(objects)
        if is_wrong:
            objects = self._spoilt(name, objects, width_px)
        self.images.append(AnnotatedImage(name, width_px, height_px, objects=objects))
        return is_wrong

    def finish(self) -> None:
        cut = {PurePosixPath(name).stem for name in self.cut_off}
        said = Annotations(self.images, CLASSES)
        for path, pieces in writer(self.format).annotation_files(said):
            text = "".join(pieces).encode()
            is_cut = PurePosixPath(path).stem in cut
            write_bytes(self.folder / path, text[: len(text) * 2 // 3] if is_cut else text)

    def _spoilt(
        self, name: str, objects: tuple[AnnotatedObject, ...], width_px: int
    ) -> tuple[AnnotatedObject, ...]:
        """The first object without area, or half outside; or the file is cut off, in turn."""
        first, *rest = objects
        left, top, _, bottom = first.box
        boxes: list[Box] = [(left, top, left, bottom), (left, top, width_px + 40, bottom)]
        turn = self.n_wrong % (2 if self.format == "coco" else 3)
        self.n_wrong += 1
        if turn == len(boxes):
            self.cut_off.append(name)
            return objects
        return (AnnotatedObject(first.class_id, boxes[turn]), *rest)


@dataclass
class _Masks:
    """A mask beside every picture, in a folder of its own."""

    folder: Path

    def place(self, name: str, label: str, turn: int) -> str:
        return f"images/{name}"

    def note(self, place: str, sample: Sample, is_wrong: bool) -> bool:
        write_bytes(self.folder / self._mask_file(place), _png(sample.mask, is_wrong))
        return is_wrong

    def finish(self) -> None:
        """There is nothing more."""

    def _mask_file(self, place: str) -> str:
        return f"masks/{PurePosixPath(place).stem}.png"


@dataclass
class _Mvtec(_Masks):
    """Most good pictures teach, everything else tests."""

    def place(self, name: str, label: str, turn: int) -> str:
        split = "train" if label == OK and turn % _TESTED else "test"
        return f"{split}/{_GOOD if label == OK else label}/{name}"

    def note(self, place: str, sample: Sample, is_wrong: bool) -> bool:
        return PurePosixPath(place).parent.name != _GOOD and super().note(place, sample, is_wrong)

    def _mask_file(self, place: str) -> str:
        picture = PurePosixPath(place)
        return f"ground_truth/{picture.parent.name}/{picture.stem}_mask.png"


def _objects(sample: Sample, with_pixels: bool) -> tuple[AnnotatedObject, ...]:
    numbers = {entry.name: entry.id for entry in CLASSES}
    masks: Sequence[np.ndarray] = sample.masks
    return tuple(
        AnnotatedObject(
            numbers[box.label],
            (box.x_min, box.y_min, box.x_max, box.y_max),
            mask=encode(mask) if with_pixels else None,
        )
        for box, mask in zip(sample.boxes, masks, strict=True)
    )


def _png(mask: np.ndarray, is_wrong: bool) -> bytes:
    """0 and 255; a wrong one has half the size."""
    pixels = mask[::2, ::2] if is_wrong else mask
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8) * 255).save(buffer, "PNG")
    return buffer.getvalue()
