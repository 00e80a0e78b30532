"""One chunk of an ingest, from what was read to what is written, under the store's lock.

The order is images, annotations, quarantine, ledger: a process killed in between leaves
paths that the ledger does not hold, and the next run finds what is there and adds the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from vision_assets.vision.errors import ImageRefused, Reason
from vision_assets.vision.formats.labels import Labelled, Labeller
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.store.class_record import learn
from vision_assets.vision.store.examination import Examined
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.outcomes import Outcome, Status
from vision_assets.vision.store.reading import FileRead
from vision_assets.vision.store.records import (
    LABEL,
    Annotation,
    ClassEntry,
    ImageRecord,
    LedgerEntry,
    Refusal,
    attributes_json,
    digest,
)

INGEST_AUTHOR = "ingest"


def commit_chunk(
    store: ImageStore,
    batch_id: str,
    reads: Sequence[FileRead],
    labeller: Labeller,
    declared: tuple[ClassSpec, ...],
) -> list[Outcome]:
    """Decide on every file of the chunk and write what follows; again, it adds nothing.

    Raises:
        StoreLocked: another process writes.
        DiskFull: too little space; nothing of this chunk was written.
    """
    with store.writing(_size(reads)):
        said = {read.file.path: labeller(as_text(read.file.path)) for read in reads}
        classes = store.classes(declared)
        new_classes = [] if declared else learn(classes, _labels(reads, said))
        state = _state(store, reads, [*classes, *new_classes])
        chunk = _Chunk(batch_id, datetime.now(UTC), state)
        for read in reads:
            chunk.decide(read, said[read.file.path])
        record_classes(store, [*(declared or new_classes)], "declared" if declared else "learned")
        store.image_table.append(chunk.images)
        store.annotation_table.append(chunk.annotations)
        store.quarantine_table.add(chunk.refusals)
        store.ledger.add([chunk.entry(read, outcome) for read, outcome in chunk.decided])
    return [outcome for _, outcome in chunk.decided]


def record_classes(store: ImageStore, classes: Sequence[ClassSpec], origin: str) -> None:
    """Add ids and names that the record does not hold; the store's lock is held."""
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


def item_id(image_id: str, reason: str, label: str | None) -> str:
    """Id of an item of the quarantine: the same bytes for the same reason are one item."""
    return digest(image_id, reason, label)[:16]


@dataclass
class _State:
    """What the store says of the images of a chunk, kept up to date while it is decided."""

    class_ids: dict[str, int]
    stored: dict[str, tuple[str, str]]
    erased: set[str]
    current: dict[str, tuple[int, str]]


@dataclass
class _Chunk:
    """What a chunk will write."""

    batch_id: str
    now: datetime
    state: _State
    images: list[ImageRecord] = field(default_factory=list)
    annotations: list[Annotation] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    decided: list[tuple[FileRead, Outcome]] = field(default_factory=list)

    def decide(self, read: FileRead, said: Labelled) -> None:
        """Decide on one file, after all before it."""
        self.decided.append((read, self._outcome(read, said)))

    def entry(self, read: FileRead, outcome: Outcome) -> LedgerEntry:
        """What the ledger says of one path."""
        file = read.file
        return LedgerEntry(
            entry_id=digest(self.batch_id, file.path),
            batch_id=self.batch_id,
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

    def _outcome(self, read: FileRead, said: Labelled) -> Outcome:
        path = as_text(read.file.path)
        if read.missing is not None:
            return Outcome(path, read.missing)
        if read.image_id in self.state.erased:
            return Outcome(path, Status.ERASED, read.image_id)
        if isinstance(read.found, ImageRefused):
            return self._refuse(read, said, read.found.reason, read.found.detail)
        assert isinstance(read.found, Examined)
        if said.label is not None and said.label not in self.state.class_ids:
            return self._refuse(read, said, Reason.UNKNOWN_CLASS, self._unknown(said.label))
        return self._take(read, said, read.found)

    def _take(self, read: FileRead, said: Labelled, image: Examined) -> Outcome:
        path, image_id = as_text(read.file.path), read.image_id
        if image_id not in self.state.stored:
            self.images.append(image_record(image_id, path, self.batch_id, self.now, said, image))
            self.state.stored[image_id] = (self.batch_id, path)
        ours = self.state.stored[image_id] == (self.batch_id, path)
        current = self.state.current.get(image_id)
        if said.label is None:
            return Outcome(path, Status.ACCEPTED if ours else Status.KNOWN, image_id)
        class_id = self.state.class_ids[said.label]
        if current is None:
            self._label(image_id, class_id, said.label, path)
            return Outcome(path, Status.ACCEPTED if ours else Status.LABELLED, image_id)
        if current[0] == class_id or ours:
            return Outcome(path, Status.ACCEPTED if ours else Status.KNOWN, image_id)
        detail = (
            f"the image is stored as {current[1]!r}, this file says {said.label!r}; a person "
            "decides: accept takes the new label, dismiss keeps the old one"
        )
        return self._refuse(read, said, Reason.LABEL_CONFLICT, detail)

    def _label(self, image_id: str, class_id: int, label: str, path: str) -> None:
        self.state.current[image_id] = (class_id, label)
        self.annotations.append(
            Annotation(
                event_id=digest(LABEL, image_id, class_id, self.batch_id, path),
                image_id=image_id,
                kind=LABEL,
                class_id=class_id,
                label=label,
                geometry=None,
                attributes="{}",
                author=INGEST_AUTHOR,
                source=path,
                time=self.now,
                supersedes=None,
            )
        )

    def _refuse(self, read: FileRead, said: Labelled, reason: Reason, detail: str) -> Outcome:
        path, image_id = as_text(read.file.path), read.image_id
        item = item_id(image_id, reason, said.label)
        self.refusals.append(
            Refusal(
                item_id=item,
                image_id=image_id,
                reason=reason.value,
                detail=detail,
                label=said.label,
                given_split=said.given_split,
                attributes=attributes_json(said.attributes),
                source=path,
                batch_id=self.batch_id,
                time=self.now,
                bytes=None if image_id in self.state.stored else read.data,
            )
        )
        return Outcome(path, Status.QUARANTINED, image_id, item, reason.value, detail)

    def _unknown(self, label: str) -> str:
        known = ", ".join(sorted(self.state.class_ids))
        return f"expected one of the classes {known}, got {label!r}; accept it under one of them"


def image_record(
    image_id: str, path: str, batch_id: str, now: datetime, said: Labelled, image: Examined
) -> ImageRecord:
    """What the store keeps of an accepted image."""
    width, height = image.upright_size
    return ImageRecord(
        image_id=image_id,
        source=path,
        batch_id=batch_id,
        received_at=now,
        format=image.header.format,
        width=width,
        height=height,
        mode=image.header.mode,
        orientation=image.header.orientation,
        size_bytes=image.received_bytes,
        brightness=image.statistics.brightness,
        contrast=image.statistics.contrast,
        sharpness=image.statistics.sharpness,
        phash=image.statistics.phash,
        given_split=said.given_split,
        attributes=attributes_json(said.attributes),
        bytes=image.data,
    )


def _state(store: ImageStore, reads: Sequence[FileRead], classes: Sequence[ClassSpec]) -> _State:
    ids = sorted({read.image_id for read in reads if read.image_id})
    columns = ["image_id", "batch_id", "source"]
    stored = store.image_table.lookup("image_id", ids, columns).to_pylist()
    labels = store.labels_of([row["image_id"] for row in stored]).to_dict("records")
    return _State(
        class_ids={entry.name: entry.id for entry in classes},
        stored={row["image_id"]: (row["batch_id"], row["source"]) for row in stored},
        erased=set(store.erased()["image_id"]),
        current={row["image_id"]: (int(row["class_id"]), row["label"]) for row in labels},
    )


def _labels(reads: Sequence[FileRead], said: dict[str, Labelled]) -> list[str]:
    """Labels of the files that hold an image: a broken file teaches no class."""
    labels = (said[read.file.path].label for read in reads if isinstance(read.found, Examined))
    return [label for label in labels if label is not None]


def _size(reads: Sequence[FileRead]) -> int:
    return sum(read.file.size_bytes for read in reads)
