"""What is said of an image, held against the image: pixels of the upright picture, known classes.

Every deviation is a fault; what is done about it, the policy of the use case says.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from vision_assets.vision.formats.annotations.outlines import has_area, inside
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject
from vision_assets.vision.formats.annotations.upright import Frame, to_upright
from vision_assets.vision.inference.geometry.rle import area
from vision_assets.vision.objects import AnnotatedObject, Box, Polygon, outline_box
from vision_assets.vision.spec import AnnotationErrors, ClassSpec

_TOLERANCE_PX = 0.05
"""Six decimals of a share, as YOLO's files have them, are this much of a large picture's side."""
_LOST = "the annotation was left out"
_DONE = {
    "drop": "the object was left out",
    "clip": "cut at the border",
    "keep": "kept",
    "refuse": "the image was refused",
    "unlabelled": "the image counts as unlabelled",
    "nothing": "the image counts as showing no object",
}


@dataclass(frozen=True)
class Checked:
    """What holds of an image.

    Attributes:
        objects: in pixels of the upright picture; None where there is no usable annotation.
        faults: what was wrong, with what was done.
        refused: the faults for which the image is not taken.
    """

    objects: tuple[AnnotatedObject, ...] | None
    faults: tuple[Fault, ...]

    @property
    def refused(self) -> tuple[Fault, ...]:
        """Faults for which the image goes to the quarantine."""
        return tuple(fault for fault in self.faults if fault.done == _DONE["refuse"])


def check(
    said: Said,
    frame: Frame,
    classes: Mapping[str, ClassSpec],
    policy: AnnotationErrors,
    label: str | None = None,
) -> Checked:
    """Hold what is said against the image.

    Args:
        said: by its annotation file.
        frame: size and orientation of the image.
        classes: by name, all that are in force.
        policy: what to do about each kind of error.
        label: what is said of the whole image.
    """
    faults = [decided(fault, policy) for fault in said.faults]
    if said.objects is None:
        looked_at = any(fault.done == _DONE["nothing"] for fault in faults)
        return Checked((), ()) if looked_at else Checked(None, tuple(faults))
    upright = to_upright(said, frame)
    if isinstance(upright, Fault):
        return Checked(None, (*faults, decided(upright, policy)))
    kept: list[AnnotatedObject] = []
    for each in upright:
        checking = _Object(each, said.file, frame, policy)
        found = checking.checked(classes)
        faults += checking.faults
        if found is not None:
            kept.append(found)
    if label is not None and not kept and classes[label].is_defect:
        empty = decided(Fault(Kind.NO_OBJECT, said.file, _no_object(label)), policy)
        return Checked(() if empty.done == _DONE["keep"] else None, (*faults, empty))
    return Checked(tuple(kept), tuple(faults))


def decided(fault: Fault, policy: AnnotationErrors) -> Fault:
    """The fault with what the policy does about it."""
    action = getattr(policy, fault.kind.value)
    done = _LOST if action == "drop" and fault.index is None else _DONE[action]
    return replace(fault, done=done)


@dataclass
class _Object:
    """One object under check, and what was found wrong with it."""

    said: SaidObject
    file: str
    frame: Frame
    policy: AnnotationErrors

    def __post_init__(self) -> None:
        self.faults: list[Fault] = []

    def checked(self, classes: Mapping[str, ClassSpec]) -> AnnotatedObject | None:
        """The object as it is stored; None where it is left out."""
        if not all([self._passes(mark, "the file says so") for mark in self.said.marks]):
            return None
        if self.said.label not in classes:
            self._passes(Kind.UNKNOWN_CLASS, _unknown(self.said.label, classes))
            return None
        missing = _without_area(self.said)
        if missing is not None:
            self._passes(Kind.NO_AREA, f"expected an area, got {missing}")
            return None
        if not self._mask_fits():
            return None
        found = self._inside()
        if found is None:
            return None
        return AnnotatedObject(classes[self.said.label].id, *found, self.said.mask)

    def _mask_fits(self) -> bool:
        mask = self.said.mask
        if mask is None or (mask.width_px, mask.height_px) == self.frame.size:
            return True
        width, height = self.frame.size
        got = f"expected a mask of {width} x {height} px, got {mask.width_px} x {mask.height_px}"
        return self._passes(Kind.ANOTHER_SIZE, got)

    def _inside(self) -> tuple[Box, tuple[Polygon, ...]] | None:
        """Box and outlines inside of the picture; None where the object is left out."""
        width, height = self.frame.size
        box, over = _cut(self.said.box, width, height)
        what, reach, outlines = "a box", self.said.box, self.said.polygons
        if outlines:
            around = outline_box(outlines)
            _, over_outlines = _cut(around, width, height)
            if over_outlines:
                outlines = inside(outlines, width, height)
            if not outlines or over_outlines > over:
                what, reach, over = "an outline", around, over_outlines
        got = f"expected {what} inside of {width} x {height} px, got {_shown(reach)}"
        if box[0] >= box[2] or box[1] >= box[3] or (self.said.polygons and not outlines):
            self._passes(Kind.WHOLLY_OUTSIDE, got)
            return None
        if over <= _TOLERANCE_PX or self._passes(Kind.OUTSIDE, got):
            return box, outlines
        return None

    def _passes(self, kind: Kind, detail: str) -> bool:
        """Note a fault; whether the object is taken all the same."""
        fault = decided(Fault(kind, self.file, detail, self.said.index), self.policy)
        self.faults.append(fault)
        return fault.done in (_DONE["keep"], _DONE["clip"])


def _without_area(said: SaidObject) -> str | None:
    """What of an object covers nothing, in words; None where all of it does."""
    left, top, right, bottom = said.box
    if right <= left or bottom <= top:
        return _shown(said.box)
    if said.mask is not None and not area(said.mask):
        return "a mask without pixels"
    return "an outline on a line" if said.polygons and not has_area(said.polygons) else None


def _cut(box: Box, width: int, height: int) -> tuple[Box, float]:
    """The box inside of the picture, and by how much it left it."""
    left, top, right, bottom = box
    cut = (max(left, 0.0), max(top, 0.0), min(right, width), min(bottom, height))
    if cut == box:  # nearly all are
        return cut, 0.0
    return cut, max(abs(one - other) for one, other in zip(cut, box, strict=True))


def _shown(box: Box) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def _unknown(label: str, classes: Mapping[str, ClassSpec]) -> str:
    names = sorted({entry.name for entry in classes.values()})
    return f"expected one of the classes {', '.join(names)}, got {label!r}"


def _no_object(label: str) -> str:
    return f"expected an object, as the image is labelled {label!r}, got none"
