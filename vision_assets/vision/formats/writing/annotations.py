"""Images and what is said of them, on their way into a format."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from vision_assets.vision.objects import AnnotatedObject, outline_box
from vision_assets.vision.spec import ClassSpec

_LOOSE_PX = 0.5


@dataclass(frozen=True, slots=True)
class AnnotatedImage:
    """One picture.

    Attributes:
        name: its file name, without folders; unique among those that are written together.
        width_px, height_px: of the upright picture.
        channels: 1 or 3.
        split: train, val or test; None where there are no splits.
        label: what is said of the image as a whole.
        objects: those on it.
    """

    name: str
    width_px: int
    height_px: int
    channels: int = 3
    split: str | None = None
    label: str | None = None
    objects: tuple[AnnotatedObject, ...] = ()


@dataclass(frozen=True)
class Contents:
    """How many objects there are, and what is known of them.

    Attributes:
        objects: all of them.
        masks: those with pixels.
        outlines: those with polygons.
        one_piece: those whose outline is one polygon.
        both: those with pixels and polygons.
        loose: those whose box is not the one around their outline.
    """

    objects: int = 0
    masks: int = 0
    outlines: int = 0
    one_piece: int = 0
    both: int = 0
    loose: int = 0


@dataclass(frozen=True)
class Annotations:
    """Images that are written together.

    Attributes:
        images: gone over several times; never held as a whole.
        classes: all classes, in their order.
    """

    images: Iterable[AnnotatedImage]
    classes: tuple[ClassSpec, ...]

    @property
    def names(self) -> Mapping[int, str]:
        """Name of each class by id."""
        return {entry.id: entry.name for entry in self.classes}

    @property
    def n_renumbered(self) -> int:
        """Classes whose id is lost where they are counted from 0."""
        return sum(entry.id != place for place, entry in enumerate(self.classes))

    def of_split(self, split: str | None) -> Iterator[AnnotatedImage]:
        """The images of one split."""
        return (image for image in self.images if image.split == split)

    @cached_property
    def splits(self) -> tuple[str | None, ...]:
        """Every split that has images, in the order in which they come."""
        return tuple(dict.fromkeys(image.split for image in self.images))

    @cached_property
    def contents(self) -> Contents:
        """Counted over all objects."""
        found = [0] * 6
        for image in self.images:
            for each in image.objects:
                known = _known(each)
                found = [total + one for total, one in zip(found, known, strict=True)]
        return Contents(*found)


class Writer(Protocol):
    """A format; a module of this package is one."""

    def picture_file(self, image: AnnotatedImage) -> str:
        """Where the picture goes: a posix path below the folder."""
        ...

    def annotation_files(self, said: Annotations) -> Iterator[tuple[str, Iterable[str]]]:
        """Every other file: its path, and its text in pieces, made while they are taken."""
        ...

    def losses(self, said: Annotations) -> list[str]:
        """What of these annotations the format has no place for, in words."""
        ...

    def no_place(self, name: str) -> str | None:
        """Why a class of this name would not be read again as it is; None where it is."""
        ...


def _known(each: AnnotatedObject) -> tuple[int, ...]:
    has_mask, has_outline = each.mask is not None, bool(each.polygons)
    return (
        1,
        has_mask,
        has_outline,
        len(each.polygons) == 1,
        has_mask and has_outline,
        has_outline and _is_loose(each),
    )


def _is_loose(each: AnnotatedObject) -> bool:
    around = outline_box(each.polygons)
    return any(abs(a - b) > _LOOSE_PX for a, b in zip(each.box, around, strict=True))
