"""What is said of an image, against what the store says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Any

from vision_assets.vision.formats.annotations.check import Checked, check
from vision_assets.vision.formats.annotations.said import Fault
from vision_assets.vision.formats.annotations.upright import Frame
from vision_assets.vision.formats.labels import Labelled
from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID
from vision_assets.vision.merging import merge_objects
from vision_assets.vision.objects import main_class, to_text
from vision_assets.vision.spec import AnnotationErrors, ClassSpec
from vision_assets.vision.store.records import LABEL, OBJECTS, Annotation, digest

INGEST_AUTHOR = "ingest"


@dataclass(frozen=True)
class Statement:
    """What is said of one image.

    Attributes:
        class_id: of the image, or of the class that stands for the objects on it.
        label: name of that class.
        of_image: whether the class is said of the image itself.
        objects: as `vision.objects` writes them; None where only the label is said.
        source: file that says so.
    """

    class_id: int
    label: str
    of_image: bool
    objects: str | None
    source: str


@dataclass(frozen=True)
class Current:
    """What the store says of one image; `objects` is None in a label."""

    class_id: int
    label: str
    objects: str | None
    event_id: str
    author: str
    source: str

    @classmethod
    def of_row(cls, row: Mapping[Any, Any]) -> "Current":
        """From a row of `ImageStore.labels_of`."""
        objects = row["objects"] if isinstance(row["objects"], str) else None
        rest = {name: row[name] for name in ("label", "event_id", "author", "source")}
        return cls(class_id=int(row["class_id"]), objects=objects, **rest)

    def merged(self, merged: Mapping[int, int]) -> "Current":
        """With the classes that are in force."""
        objects = merge_objects(self.objects, merged)
        assert objects is None or isinstance(objects, str)
        return replace(self, class_id=merged.get(self.class_id, self.class_id), objects=objects)


class Standing(Enum):
    """A statement against the current one."""

    FIRST = auto()
    SAME = auto()
    NEWER = auto()
    CONFLICT = auto()


def checked_statement(
    said: Labelled,
    path: str,
    frame: Frame,
    classes: Mapping[str, ClassSpec],
    policy: AnnotationErrors,
) -> tuple[Statement | None, Checked]:
    """What is said of an image, held against it; None where nothing usable is said."""
    found = Checked(None, ())
    if said.said is not None:
        found = check(said.said, frame, classes, policy, said.label)
    objects = None if found.objects is None else to_text(found.objects)
    source = path if said.said is None or objects is None else said.said.file
    if said.label is not None:
        entry = classes[said.label]
        return Statement(entry.id, entry.name, True, objects, source), found
    if found.objects is None:
        return None, found
    class_id = main_class(found.objects)
    return Statement(class_id, _name(class_id, classes), False, objects, source), found


def standing(new: Statement, current: Current | None) -> Standing:
    """How a statement stands to the current one.

    Objects may be added to a label that does not contradict; a file that was changed replaces
    what ingest took from it before.
    """
    if current is None:
        return Standing.FIRST
    same_class = not new.of_image or new.class_id == current.class_id
    if new.objects is None:
        return Standing.SAME if same_class else Standing.CONFLICT
    if current.objects is None:
        return Standing.NEWER if same_class else Standing.CONFLICT
    if new.objects == current.objects and same_class:
        return Standing.SAME
    ours = (current.author, current.source) == (INGEST_AUTHOR, new.source)
    return Standing.NEWER if ours else Standing.CONFLICT


def event(
    image_id: str,
    new: Statement,
    current: Current | None,
    now: datetime,
    *cause: str,
    author: str = INGEST_AUTHOR,
) -> Annotation:
    """The event that writes a statement down.

    Args:
        image_id: of the image.
        new: what is said.
        current: what it takes the place of.
        now: when.
        cause: what the id tells it from the same statement at another time by.
        author: who says so.
    """
    class_id, label = new.class_id, new.label
    if current is not None and not new.of_image and current.objects is None:
        class_id, label = current.class_id, current.label  # said of the image, and still true
    kind = LABEL if new.objects is None else OBJECTS
    said = (class_id,) if new.objects is None else (class_id, new.objects)
    return Annotation(
        event_id=digest(kind, image_id, *said, *cause),
        image_id=image_id,
        kind=kind,
        class_id=class_id,
        label=label,
        geometry=new.objects,
        attributes="{}",
        author=author,
        source=new.source,
        time=now,
        supersedes=None if current is None else current.event_id,
    )


def current_of(written: Annotation) -> Current:
    """What an event says, once it is written."""
    assert written.class_id is not None
    assert written.label is not None
    return Current(
        class_id=written.class_id,
        label=written.label,
        objects=written.geometry,
        event_id=written.event_id,
        author=written.author,
        source=written.source,
    )


def told(faults: tuple[Fault, ...], most: int = 5) -> str:
    """Faults in words, for a person."""
    more = f"; and {len(faults) - most} more" if len(faults) > most else ""
    return "; ".join(map(str, faults[:most])) + more


def _name(class_id: int, classes: Mapping[str, ClassSpec]) -> str:
    names = {entry.id: entry.name for entry in classes.values()} | {NOTHING_ID: NOTHING}
    return names[class_id]
