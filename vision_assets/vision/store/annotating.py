"""Annotation files that came: what they say of images that are in the store already.

They are files of a batch as images are, so that the ledger tells which are new or changed, and
nothing is read twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from math import inf
from pathlib import Path
from typing import Any

from vision_assets.vision.formats.annotations.open import is_sidecar, open_annotations
from vision_assets.vision.formats.annotations.said import Kind
from vision_assets.vision.formats.annotations.upright import Frame
from vision_assets.vision.formats.labels import Labelled, labeller
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.chunk import Chunk, Image
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import settled_files
from vision_assets.vision.store.outcomes import FoundFault, Outcome, Status
from vision_assets.vision.store.statements import INGEST_AUTHOR

_CHUNK_IMAGES = 512
_IMAGE_STATUSES = (Status.ACCEPTED.value, Status.KNOWN.value, Status.LABELLED.value)


@dataclass(frozen=True)
class Annotating:
    """Images by what became of their annotation.

    Attributes:
        new: had none.
        changed: had another one.
        unchanged: had the same, or theirs was left out or disputed.
        unspoken: no annotation speaks of them; nothing was changed.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    unspoken: int = 0

    def __add__(self, other: "Annotating") -> "Annotating":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Annotating(*(one + more for one, more in pairs))


@dataclass(frozen=True)
class Annotated:
    """What came of annotation files: an outcome each, and how many images got a new annotation."""

    outcomes: tuple[Outcome, ...] = ()
    n_images: int = 0


def annotate_from_files(
    store: ImageStore,
    batch_id: str,
    files: Sequence[LandedFile],
    landing: Path,
    spec: PipelineSpec,
) -> Annotated:
    """Store what the annotation files of a batch say of images of earlier batches.

    An image without objects gets them; what ingest took from the same file before is replaced;
    any other contradiction waits in the quarantine for a person. Again, it adds nothing.

    Args:
        store: which holds the images.
        batch_id: of the batch.
        files: its annotation files.
        landing: folder that all paths are below.
        spec: the source, its classes, and what to do about errors.

    Raises:
        StoreLocked: another process writes.
        DiskFull: too little space.
        LandingUnreadable: an annotation file cannot be read now; it waits.
        SpecError: a file that all others depend on is wrong.
    """
    reader = open_annotations(spec.source, landing, indices(store))
    if reader is None or not files:
        return Annotated()
    names = {file.path for file in files}
    landed = list(_landed(store))
    touched = [
        (row["path"], row["image_id"])
        for row in landed
        if row["status"] in _IMAGE_STATUSES
        and row["batch_id"] != batch_id
        and not names.isdisjoint(reader.files_of(row["path"]))
    ]
    done = annotate_images(store, batch_id, touched, landing, spec)
    lying = (file.path for file in settled_files(landing, spec.source, inf).values())
    images = [path for path in lying if not is_sidecar(spec.source, path)]
    missing = reader.missing(names, [*images, *(row["path"] for row in landed)])
    outcomes = tuple(Outcome(as_text(file.path), Status.READ) for file in files)
    with store.writing():
        chunk = Chunk.about(store, spec, [], [], batch_id)
        chunk.note([replace(fault, done="told") for fault in missing])
        for file, outcome in zip(files, outcomes, strict=True):
            chunk.enter(file, outcome)
        chunk.write(store)
    return Annotated(outcomes, done.new + done.changed)


def annotate_images(
    store: ImageStore,
    cause: str,
    images: Sequence[tuple[str, str]],
    landing: Path,
    spec: PipelineSpec,
    author: str = INGEST_AUTHOR,
) -> Annotating:
    """Store what annotation files say of stored images.

    Args:
        store: which holds them.
        cause: the batch or command that this is done for; faults are found by it.
        images: path of each, as it landed, and its id.
        landing: folder that all paths are below.
        spec: the source, its classes, and what to do about errors.
        author: who says so; a person's word replaces what contradicts it.
    """
    label = labeller(spec.source, landing, indices(store))
    total = Annotating()
    for start in range(0, len(images), _CHUNK_IMAGES):
        pairs = images[start : start + _CHUNK_IMAGES]
        said = {path: label(path) for path, _ in pairs}
        with store.writing():
            total += _annotate(store, spec, said, dict(pairs), cause, author)
    return total


def indices(store: ImageStore) -> Path:
    """Folder where what was read of large annotation files is kept between runs."""
    return store.root / "annotation_indices"


def faults_of(store: ImageStore, batch_id: str) -> tuple[FoundFault, ...]:
    """What was wrong with the annotations that a batch brought, or its images have."""
    columns = ["kind", "file", "object_index", "detail", "done"]
    rows = store.fault_table.lookup("batch_id", [batch_id], columns).to_pylist()
    return tuple(FoundFault(**row) for row in rows)


def _annotate(
    store: ImageStore,
    spec: PipelineSpec,
    said: Mapping[str, Labelled],
    ids: Mapping[str, str],
    cause: str,
    author: str,
) -> Annotating:
    """Decide on some images and write it; the store's lock is held."""
    frames = _frames(store, list(ids.values()))
    named = [label for each in said.values() for label in each.labels]
    chunk = Chunk.about(store, spec, list(frames), named, cause, author)
    stored = [path for path, image_id in ids.items() if image_id in frames]
    spoken = [path for path in stored if not _is_unspoken(said[path])]
    for path in spoken:
        _decide(chunk, Image(path, ids[path]), said[path], frames[ids[path]])
    chunk.write(store)
    changed = sum(each.supersedes is not None for each in chunk.events)
    return Annotating(
        new=len(chunk.events) - changed,
        changed=changed,
        unchanged=len(spoken) - len(chunk.events),
        unspoken=len(stored) - len(spoken),
    )


def _is_unspoken(said: Labelled) -> bool:
    faults = said.said.faults if said.said is not None else ()
    return any(fault.kind is Kind.MISSING_ANNOTATION for fault in faults)


def _decide(chunk: Chunk, image: Image, said: Labelled, frame: Frame) -> None:
    if said.label not in chunk.classes:
        said = replace(said, label=None)
    statement, checked = chunk.hold(image, said, frame)
    if statement is not None and not checked.refused:
        chunk.state(image, said, statement)


def _frames(store: ImageStore, ids: Sequence[str]) -> dict[str, Frame]:
    """By id, of the images that are stored."""
    columns = ["image_id", "width", "height", "orientation"]
    rows = store.image_table.lookup("image_id", ids, columns).to_pylist()
    return {
        row["image_id"]: Frame((row["width"], row["height"]), row["orientation"]) for row in rows
    }


def _landed(store: ImageStore) -> Iterator[dict[str, Any]]:
    """What the ledger says of every path."""
    columns = ["path", "image_id", "batch_id", "status"]
    for rows in store.ledger.batches(columns):
        yield from rows.to_pylist()
