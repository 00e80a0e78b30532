"""What is decided of some images at once, and written together under the store's lock.

The order is images, annotations, quarantine, faults, and last the ledger: a process killed in
between leaves paths that the ledger does not hold, and the next run finds what is there and adds
the rest.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from vision_assets.vision.errors import Reason
from vision_assets.vision.formats.annotations.check import Checked
from vision_assets.vision.formats.annotations.said import Fault
from vision_assets.vision.formats.annotations.upright import Frame
from vision_assets.vision.formats.labels import Labelled
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.merging import merged_ids
from vision_assets.vision.spec import ClassSpec, PipelineSpec
from vision_assets.vision.store.class_record import classes_by_name, learn
from vision_assets.vision.store.discarding import dropped_undecided
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.outcomes import Outcome, Status
from vision_assets.vision.store.records import (
    DISPUTED,
    Annotation,
    AnnotationFault,
    ClassEntry,
    ImageRecord,
    LedgerEntry,
    Refusal,
    attributes_json,
    digest,
)
from vision_assets.vision.store.statements import (
    INGEST_AUTHOR,
    Current,
    Standing,
    Statement,
    checked_statement,
    current_of,
    event,
    standing,
)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that something is said of.

    Attributes:
        path: below the landing folder, as text.
        image_id: SHA-256 of its bytes.
        data: what the quarantine keeps of it; None where the store has it.
        ours: whether this path of this batch is what stored it.
    """

    path: str
    image_id: str
    data: bytes | None = None
    ours: bool = False


@dataclass
class Chunk:
    """What will be written.

    Attributes:
        cause: the batch, or the command, that this is done for.
        author: who says what is said; a person's word replaces what it contradicts.
        classes: in force, by name.
        current: what the store says, by image, kept up to date while it is decided.
        dropped: items whose bytes went before anybody decided; what is refused again is a new one.
    """

    cause: str
    author: str
    spec: PipelineSpec
    classes: Mapping[str, ClassSpec]
    current: dict[str, Current]
    now: datetime
    dropped: frozenset[str] = frozenset()
    images: list[ImageRecord] = field(default_factory=list)
    events: list[Annotation] = field(default_factory=list)
    disputes: list[Annotation] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    faults: list[AnnotationFault] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)

    @classmethod
    def about(
        cls,
        store: ImageStore,
        spec: PipelineSpec,
        ids: Sequence[str],
        labels: Sequence[str],
        cause: str,
        author: str = INGEST_AUTHOR,
    ) -> "Chunk":
        """A chunk in which stored images and labels occur; the store's lock is held."""
        rows = store.labels_of(ids).to_dict("records") if ids else []
        return cls(
            cause=cause,
            author=author,
            spec=spec,
            classes=(classes := classes_with(store, spec, labels)),
            current=_current(rows, merged_ids(classes.values())),
            now=datetime.now(UTC),
            dropped=dropped_undecided(store),
        )

    def hold(self, image: Image, said: Labelled, frame: Frame) -> tuple[Statement | None, Checked]:
        """What is said, held against the image; what is wrong with it is noted."""
        policy = self.spec.source.annotation_errors
        statement, checked = checked_statement(said, image.path, frame, self.classes, policy)
        self.note(checked.faults, image.image_id)
        return statement, checked

    def state(self, image: Image, said: Labelled, statement: Statement) -> Outcome:
        """Take a statement of an image that is stored."""
        current = self.current.get(image.image_id)
        stands = standing(statement, current)
        disputed = stands is Standing.CONFLICT and self.author == INGEST_AUTHOR
        if disputed and current is not None and not image.ours:
            return self._dispute(image, said, statement, current)
        if stands is Standing.SAME or disputed:
            return self.nothing_new(image)
        written = event(
            image.image_id, statement, current, self.now, self.cause, image.path, author=self.author
        )
        self.events.append(written)
        self.current[image.image_id] = current_of(written)
        return Outcome(
            image.path, Status.ACCEPTED if image.ours else Status.LABELLED, image.image_id
        )

    def nothing_new(self, image: Image) -> Outcome:
        """The outcome of an image of which nothing new is said."""
        status = Status.ACCEPTED if image.ours else Status.KNOWN
        return Outcome(image.path, status, image.image_id)

    def refuse(
        self, image: Image, said: Labelled, reason: Reason, detail: str, *objects: str
    ) -> Outcome:
        """Put an image, or what is said of it, into the quarantine."""
        item = digest(image.image_id, reason, said.label, *objects)[:16]
        if item in self.dropped:
            item = digest(item, self.cause)[:16]
        self.refusals.append(
            Refusal(
                item_id=item,
                image_id=image.image_id,
                reason=reason.value,
                detail=detail,
                label=said.label,
                given_split=said.given_split,
                attributes=attributes_json(said.attributes),
                source=image.path,
                batch_id=self.cause,
                time=self.now,
                bytes=image.data,
            )
        )
        return Outcome(image.path, Status.QUARANTINED, image.image_id, item, reason.value, detail)

    def note(self, faults: Sequence[Fault], image_id: str | None = None) -> None:
        """Keep what was wrong with an annotation."""
        self.faults += [
            AnnotationFault(
                fault_id=digest(self.cause, image_id, each.kind, each.file, each.index),
                batch_id=self.cause,
                image_id=image_id,
                kind=each.kind.value,
                file=as_text(each.file),
                object_index=each.index,
                detail=each.detail,
                done=each.done,
                time=self.now,
            )
            for each in faults
        ]

    def enter(self, file: LandedFile, outcome: Outcome) -> None:
        """Say in the ledger what became of a path."""
        self.ledger.append(
            LedgerEntry(
                entry_id=digest(self.cause, file.path),
                batch_id=self.cause,
                path=as_text(file.path),
                size_bytes=file.size_bytes,
                modified_ns=file.modified_ns,
                image_id=outcome.image_id,
                item_id=outcome.item_id,
                status=outcome.status.value,
                reason=outcome.reason,
                detail=outcome.detail,
                time=self.now,
            )
        )

    def write(self, store: ImageStore) -> None:
        """Write all of it; the store's lock is held."""
        store.image_table.append(self.images)
        store.annotation_table.append(self.events)
        store.annotation_table.add(self.disputes)
        store.quarantine_table.add(self.refusals)
        store.fault_table.add(self.faults)
        store.ledger.add(self.ledger)

    def _dispute(
        self, image: Image, said: Labelled, statement: Statement, current: Current
    ) -> Outcome:
        """Keep what contradicts aside until a person decides."""
        detail = _contradiction(statement, current)
        if statement.objects is None:
            return self.refuse(image, said, Reason.LABEL_CONFLICT, detail)
        outcome = self.refuse(image, said, Reason.LABEL_CONFLICT, detail, statement.objects)
        written = event(image.image_id, statement, None, self.now, author=self.author)
        self.disputes.append(replace(written, event_id=str(outcome.item_id), kind=DISPUTED))
        return outcome


def classes_with(
    store: ImageStore, spec: PipelineSpec, labels: Sequence[str]
) -> dict[str, ClassSpec]:
    """The classes in force by every name they have or had, with those learned from labels.

    They are recorded; the store's lock is held.
    """
    classes, record = store.classes(spec.classes), store.class_record()
    known = classes_by_name(record, classes)
    new = [] if spec.classes else learn(classes, labels, known)
    _record(store, spec.classes or new, "declared" if spec.classes else "learned")
    return known | {entry.name: entry for entry in new}


def _current(
    rows: Sequence[Mapping[Hashable, Any]], merged: Mapping[int, int]
) -> dict[str, Current]:
    """What the store says of images, with the classes that are in force."""
    found = {str(row["image_id"]): Current.of_row(row) for row in rows}
    return {image_id: current.merged(merged) for image_id, current in found.items()}


def _record(store: ImageStore, classes: Sequence[ClassSpec], origin: str) -> None:
    """Add ids and names that the record does not hold."""
    known = {
        tuple(row.values()) for row in store.class_table.scan(["class_id", "name"]).to_pylist()
    }
    now = datetime.now(UTC)
    store.class_table.append(
        [
            ClassEntry(digest(entry.id, entry.name), entry.id, entry.name, origin, now)
            for entry in classes
            if (entry.id, entry.name) not in known
        ]
    )


def _contradiction(new: Statement, current: Current) -> str:
    """In words, with the remedy."""
    if new.objects is None or (new.of_image and new.class_id != current.class_id):
        what = f"the image is stored as {current.label!r}, this file says {new.label!r}"
    else:
        what = f"{current.source} of {current.author} and {new.source} name other objects"
    return f"{what}; a person decides: accept takes the new, dismiss keeps the old one"
