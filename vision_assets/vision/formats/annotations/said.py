"""What annotation files say of an image, before it is held against the image itself."""

from dataclasses import dataclass
from enum import StrEnum

from vision_assets.vision.inference.geometry.rle import Rle
from vision_assets.vision.objects import Box, Polygon


class Kind(StrEnum):
    """What can be wrong with annotations, or is not kept of them."""

    NO_AREA = "no_area"
    OUTSIDE = "outside"
    WHOLLY_OUTSIDE = "wholly_outside"
    UNKNOWN_CLASS = "unknown_class"
    BAD_OBJECT = "bad_object"
    DUPLICATE_ID = "duplicate_id"
    CROWD = "crowd"
    DIFFICULT = "difficult"
    ANOTHER_SIZE = "another_size"
    DAMAGED = "damaged"
    TOO_LARGE = "too_large"
    NO_OBJECT = "no_object"
    MISSING_ANNOTATION = "missing_annotation"
    MISSING_IMAGE = "missing_image"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        kind: what.
        file: the annotation file, below the landing folder; the image where there is none.
        detail: what was expected and what came.
        index: of the object in its file, from 1; None of the whole file.
        done: what was done about it; empty before it is decided.
    """

    kind: Kind
    file: str
    detail: str
    index: int | None = None
    done: str = ""

    def __str__(self) -> str:
        place = self.file if self.index is None else f"{self.file}, object {self.index}"
        return f"{place}: {self.kind}: {self.detail}"


@dataclass(frozen=True, slots=True)
class SaidObject:
    """One object, as its file says it.

    Attributes:
        label: name of its class.
        box: left, top, right, bottom: edges, in pixels of the picture that was annotated, or in
            shares of its sides.
        polygons: its outline, in the same unit.
        mask: its pixels.
        index: of the object in its file, from 1.
        marks: kinds of which the file itself says that they hold, such as CROWD.
    """

    label: str
    box: Box
    polygons: tuple[Polygon, ...] = ()
    mask: Rle | None = None
    index: int = 1
    marks: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What one file says of one image.

    Attributes:
        file: below the landing folder; the image itself where no file speaks of it.
        objects: all of them; None where the file cannot be used.
        size: width and height in pixels of the picture that was annotated, where the file says.
        in_shares: whether coordinates are shares of the picture's sides, not pixels.
        faults: what was wrong already while it was read.
    """

    file: str
    objects: tuple[SaidObject, ...] | None = None
    size: tuple[int, int] | None = None
    in_shares: bool = False
    faults: tuple[Fault, ...] = ()
