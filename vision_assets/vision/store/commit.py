"""One chunk of an ingest, from what was read to what is written, under the store's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from vision_assets.vision.errors import ImageRefused, Reason
from vision_assets.vision.formats.annotations.said import Fault, Kind
from vision_assets.vision.formats.annotations.upright import Frame
from vision_assets.vision.formats.labels import Labelled, Labeller
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.chunk import Chunk, Image
from vision_assets.vision.store.examination import Examined
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.outcomes import Outcome, Status
from vision_assets.vision.store.reading import FileRead
from vision_assets.vision.store.records import ImageRecord, attributes_json
from vision_assets.vision.store.statements import told


def commit_chunk(
    store: ImageStore,
    batch_id: str,
    reads: Sequence[FileRead],
    labeller: Labeller,
    spec: PipelineSpec,
) -> list[Outcome]:
    """Decide on every file of the chunk and write what follows; again, it adds nothing.

    Args:
        store: where to.
        batch_id: of the batch that the files are of.
        reads: what was found at their paths.
        labeller: what is said of a path.
        spec: its classes, and what to do about errors in annotations.

    Raises:
        StoreLocked: another process writes.
        DiskFull: too little space; nothing of this chunk was written.
        LandingUnreadable: an annotation file cannot be read now; nothing of this chunk was written.
    """
    said = {read.file.path: labeller(as_text(read.file.path)) for read in reads}
    with store.writing(_size(reads)):
        commit = _Commit.of(store, batch_id, reads, _labels(reads, said), spec)
        outcomes = [commit.decide(read, said[read.file.path]) for read in reads]
        commit.chunk.write(store)
    return outcomes


@dataclass
class _Commit:
    """What the store knows of the files of a chunk, kept up to date while they are decided.

    Attributes:
        chunk: what will be written.
        stored: batch and path that stored an image, by its id.
        erased: images that a person removed.
    """

    chunk: Chunk
    stored: dict[str, tuple[str, str]]
    erased: set[str]

    @classmethod
    def of(
        cls,
        store: ImageStore,
        batch_id: str,
        reads: Sequence[FileRead],
        labels: Sequence[str],
        spec: PipelineSpec,
    ) -> "_Commit":
        ids = sorted({read.image_id for read in reads if read.image_id})
        columns = ["image_id", "batch_id", "source"]
        rows = store.image_table.lookup("image_id", ids, columns).to_pylist()
        stored = {row["image_id"]: (row["batch_id"], row["source"]) for row in rows}
        chunk = Chunk.about(store, spec, list(stored), labels, batch_id)
        return cls(chunk, stored, set(store.erased()["image_id"]))

    def decide(self, read: FileRead, said: Labelled) -> Outcome:
        """Decide on one file, after all before it."""
        outcome = self._outcome(read, said)
        self.chunk.enter(read.file, outcome)
        return outcome

    def _outcome(self, read: FileRead, said: Labelled) -> Outcome:
        path = as_text(read.file.path)
        if read.missing is not None:
            return Outcome(path, read.missing)
        if read.image_id in self.erased:
            return Outcome(path, Status.ERASED, read.image_id)
        data = None if read.image_id in self.stored else read.data
        image = Image(path, read.image_id, data)
        if isinstance(read.found, ImageRefused):
            return self.chunk.refuse(image, said, read.found.reason, read.found.detail)
        assert isinstance(read.found, Examined)
        return self._of_image(image, said, read.found)

    def _of_image(self, image: Image, said: Labelled, found: Examined) -> Outcome:
        chunk = self.chunk
        if said.label is not None and said.label not in chunk.classes:
            return chunk.refuse(image, said, Reason.UNKNOWN_CLASS, self._unknown(said.label))
        statement, checked = chunk.hold(image, said, frame_of(found))
        if checked.refused:
            return chunk.refuse(image, said, _reason(checked.refused), told(checked.refused))
        image = self._store(image, said, found)
        if statement is None:
            return chunk.nothing_new(image)
        return chunk.state(image, said, statement)

    def _store(self, image: Image, said: Labelled, found: Examined) -> Image:
        """Store the image where it is new."""
        here = (self.chunk.cause, image.path)
        if image.image_id not in self.stored:
            self.chunk.images.append(
                image_record(image.image_id, image.path, here[0], self.chunk.now, said, found)
            )
            self.stored[image.image_id] = here
        return Image(image.path, image.image_id, ours=self.stored[image.image_id] == here)

    def _unknown(self, label: str) -> str:
        known = ", ".join(sorted({entry.name for entry in self.chunk.classes.values()}))
        return f"expected one of the classes {known}, got {label!r}; accept it under one of them"


def frame_of(image: Examined) -> Frame:
    """What annotations are held against."""
    return Frame(image.upright_size, image.header.orientation)


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


def _labels(reads: Sequence[FileRead], said: dict[str, Labelled]) -> list[str]:
    """Labels of the files that hold an image: a broken file teaches no class."""
    sound = (said[read.file.path] for read in reads if isinstance(read.found, Examined))
    return [label for each in sound for label in each.labels]


def _reason(faults: Sequence[Fault]) -> Reason:
    unknown = all(fault.kind is Kind.UNKNOWN_CLASS for fault in faults)
    return Reason.UNKNOWN_CLASS if unknown else Reason.BAD_ANNOTATION


def _size(reads: Sequence[FileRead]) -> int:
    return sum(read.file.size_bytes for read in reads)
