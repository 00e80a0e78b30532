"""Ingest batches: read, examine and write their files; safe to kill and to run again.

Files are read on every core while the chunk before is written; at most two chunks are in
memory.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.formats.annotations.open import is_sidecar
from vision_assets.vision.formats.labels import labeller
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.spec import PipelineSpec, SourceSpec
from vision_assets.vision.store import after
from vision_assets.vision.store.annotating import Annotated, annotate_from_files, faults_of, indices
from vision_assets.vision.store.commit import commit_chunk
from vision_assets.vision.store.examination import limits_of
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import Batch
from vision_assets.vision.store.outcomes import IngestResult, Outcome, Status
from vision_assets.vision.store.readers import Readers
from vision_assets.vision.store.reading import FileRead

Progress = Callable[[int, int], None]

_CHUNK_FILES = 1024
_CHUNK_BYTES = 64 * 1024 * 1024


def ingest_all(
    store: ImageStore,
    batches: Sequence[Batch],
    landing: Path,
    spec: PipelineSpec,
    on_progress: Progress | None = None,
) -> Iterator[IngestResult]:
    """Take the files of batches into the store, batch after batch.

    Args:
        store: where to.
        batches: what to take; paths that an earlier run took already are not read again.
        landing: the folder that the paths are below.
        spec: labels, image rules, classes, and what becomes of a file that was taken.
        on_progress: called with the number of files done and of all files.

    Raises:
        StoreLocked: another process writes.
        DiskFull: too little space; what was written before is complete.
        LandingUnreadable: some files of a batch cannot be read, all its others were taken; or an
            annotation file cannot, and what it may speak of waits.
        StoreError: a process that examined images died; what was written before is complete.
        SpecError: the table of labels or the classes are wrong.
    """
    if not batches:
        return
    n_files = sum(batch.n_files for batch in batches)
    count, label = _counter(on_progress, n_files), labeller(spec.source, landing, indices(store))
    started = time.perf_counter()
    after.begin(store, landing, spec.source)
    with Readers(landing, limits_of(spec.images), n_files) as readers:
        for step, reads in _read_ahead(readers, _steps(store, batches, spec.source, count)):
            taking = step.taking
            if reads:
                fine, batch_id = taking.readable(reads), taking.batch.batch_id
                outcomes = commit_chunk(store, batch_id, fine, label, spec)
                taking.done.update((outcome.path, outcome) for outcome in outcomes)
                count(len(outcomes))
            if step.is_last:
                annotated = taking.annotate(store, landing, spec)
                count(len(annotated.outcomes))
                store.tidy()
                after.apply(store, landing, taking.files, spec.source)
                _raise_unreadable(landing, taking.unreadable)
                yield taking.result(store, annotated, time.perf_counter() - started)
                started = time.perf_counter()
    after.end(store)


def ingest(
    store: ImageStore,
    batch: Batch,
    landing: Path,
    spec: PipelineSpec,
    on_progress: Progress | None = None,
) -> IngestResult:
    """`ingest_all` of one batch."""
    (result,) = ingest_all(store, [batch], landing, spec, on_progress)
    return result


@dataclass(frozen=True)
class _Taking:
    """A batch on its way into the store: its files, and what became of them so far, by path."""

    batch: Batch
    source: SourceSpec
    files: tuple[LandedFile, ...]
    done: dict[str, Outcome]
    unreadable: list[FileRead] = field(default_factory=list)

    def todo(self, sidecars: bool = False) -> list[LandedFile]:
        """Images, or annotation files, that no earlier run took."""
        left = (file for file in self.files if as_text(file.path) not in self.done)
        return [file for file in left if is_sidecar(self.source, file.path) == sidecars]

    def annotate(self, store: ImageStore, landing: Path, spec: PipelineSpec) -> Annotated:
        """Store what the annotation files of the batch say, once its images are there."""
        files = self.todo(sidecars=True)
        annotated = annotate_from_files(store, self.batch.batch_id, files, landing, spec)
        self.done.update((outcome.path, outcome) for outcome in annotated.outcomes)
        return annotated

    def readable(self, reads: Sequence[FileRead]) -> list[FileRead]:
        """All but those that could not be read, which are kept aside to be told."""
        self.unreadable.extend(read for read in reads if isinstance(read.found, OSError))
        return [read for read in reads if not isinstance(read.found, OSError)]

    def result(self, store: ImageStore, annotated: Annotated, seconds: float) -> IngestResult:
        """The outcomes in the order of the batch."""
        return IngestResult(
            batch_id=self.batch.batch_id,
            outcomes=tuple(self.done[as_text(file.path)] for file in self.files),
            seconds=seconds,
            faults=faults_of(store, self.batch.batch_id),
            n_annotated=annotated.n_images,
        )


@dataclass(frozen=True)
class _Step:
    """Files of one batch that are read and written together; none where all were taken."""

    taking: _Taking
    chunk: list[LandedFile]
    is_last: bool


def _steps(
    store: ImageStore, batches: Iterable[Batch], source: SourceSpec, count: Callable[[int], None]
) -> Iterator[_Step]:
    for batch in batches:
        taking = _Taking(batch, source, batch.files(), _outcomes_so_far(store, batch))
        count(len(taking.done))
        chunks = list(_chunks(taking.todo())) or [[]]
        for number, chunk in enumerate(chunks, start=1):
            yield _Step(taking, chunk, number == len(chunks))


def _read_ahead(readers: Readers, steps: Iterable[_Step]) -> Iterator[tuple[_Step, list[FileRead]]]:
    """What was read for each step, while the next step is read, be it of the next batch."""
    with ThreadPoolExecutor(1) as ahead:
        pending: tuple[_Step, Future[list[FileRead]]] | None = None
        for step in steps:
            reading = ahead.submit(readers.read, step.chunk)
            if pending is not None:
                yield pending[0], pending[1].result()
            pending = step, reading
        if pending is not None:
            yield pending[0], pending[1].result()


def _chunks(files: Iterable[LandedFile]) -> Iterator[list[LandedFile]]:
    chunk: list[LandedFile] = []
    size = 0
    for file in files:
        if chunk and (len(chunk) >= _CHUNK_FILES or size + file.size_bytes > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(file)
        size += file.size_bytes
    if chunk:
        yield chunk


def _outcomes_so_far(store: ImageStore, batch: Batch) -> dict[str, Outcome]:
    """What an earlier run of the same batch did, by path."""
    columns = ["path", "status", "image_id", "item_id", "reason", "detail"]
    rows = store.ledger.lookup("batch_id", [batch.batch_id], columns).to_pylist()
    return {row["path"]: Outcome(**row | {"status": Status(row["status"])}) for row in rows}


def _raise_unreadable(landing: Path, unreadable: Sequence[FileRead]) -> None:
    if unreadable:
        first = unreadable[0]
        raise LandingUnreadable(
            f"{len(unreadable)} files of {landing} cannot be read, the first is "
            f"{first.file.path!r} ({first.found}); all others were taken: give this user the "
            "right to read them, then run the batch again"
        )


def _counter(on_progress: Progress | None, total: int) -> Callable[[int], None]:
    """Adds up what is done, and tells it."""
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if on_progress is not None:
            on_progress(done, total)

    return count
