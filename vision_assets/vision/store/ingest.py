"""Ingest batches: read, examine and write their files; safe to kill and to run again.

Files are read on every core while the chunk before is written; at most two chunks are in
memory.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.formats.labels import labeller
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store import after
from vision_assets.vision.store.commit import commit_chunk
from vision_assets.vision.store.examination import limits_of
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.landing import Batch
from vision_assets.vision.store.outcomes import IngestResult, Outcome, Status
from vision_assets.vision.store.readers import Readers
from vision_assets.vision.store.reading import FileRead

Progress = Callable[[int, int], None]

_CHUNK_FILES = 512
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
        LandingUnreadable: some files of a batch cannot be read; all its others were taken.
        StoreError: a process that examined images died; what was written before is complete.
        SpecError: the table of labels or the classes are wrong.
    """
    n_files = sum(batch.n_files for batch in batches)
    count = _counter(on_progress, n_files)
    with Readers(landing, limits_of(spec.images), n_files) as readers:
        for batch in batches:
            yield _ingest(store, batch, landing, spec, readers, count)


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


def _ingest(
    store: ImageStore,
    batch: Batch,
    landing: Path,
    spec: PipelineSpec,
    readers: Readers,
    count: Callable[[int], None],
) -> IngestResult:
    started = time.perf_counter()
    after.begin(store, landing, spec.source)
    files, done = batch.files(), _outcomes_so_far(store, batch)
    count(len(done))
    todo = [file for file in files if as_text(file.path) not in done]
    unreadable: list[FileRead] = []
    for outcomes in _chunks_committed(store, batch, todo, landing, spec, readers, unreadable):
        done.update((outcome.path, outcome) for outcome in outcomes)
        count(len(outcomes))
    store.tidy()
    after.end(store, landing, files, spec.source)
    _raise_unreadable(landing, unreadable)
    paths = (as_text(file.path) for file in files)
    outcomes = tuple(done[path] for path in paths)
    return IngestResult(batch.batch_id, outcomes, time.perf_counter() - started)


def _chunks_committed(
    store: ImageStore,
    batch: Batch,
    files: Sequence[LandedFile],
    landing: Path,
    spec: PipelineSpec,
    readers: Readers,
    unreadable: list[FileRead],
) -> Iterator[list[Outcome]]:
    """Read chunk by chunk; each is written while the next one is read."""
    label = labeller(spec.source, landing)
    with ThreadPoolExecutor(1) as writer:
        pending: Future[list[Outcome]] | None = None
        for chunk in _chunks(files):
            reads = readers.read(chunk)
            unreadable += [read for read in reads if isinstance(read.found, OSError)]
            reads = [read for read in reads if not isinstance(read.found, OSError)]
            if pending is not None:
                yield pending.result()
            pending = writer.submit(commit_chunk, store, batch.batch_id, reads, label, spec.classes)
        if pending is not None:
            yield pending.result()


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
