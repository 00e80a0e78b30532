"""Ingest one batch: read, examine and write its files; safe to kill and to run again.

Files are read by one thread per core while the chunk before is written; at most two
chunks are in memory.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.formats.annotations.open import is_sidecar
from vision_assets.vision.formats.labels import as_text, labeller
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store import after
from vision_assets.vision.store.annotating import annotate_from_files, faults_of, indices
from vision_assets.vision.store.commit import commit_chunk
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landing import Batch, LandedFile
from vision_assets.vision.store.outcomes import IngestResult, Outcome, Status
from vision_assets.vision.store.reading import FileRead, read_file

Progress = Callable[[int, int], None]

_CHUNK_FILES = 512
_CHUNK_BYTES = 64 * 1024 * 1024


def ingest(
    store: ImageStore,
    batch: Batch,
    landing: Path,
    spec: PipelineSpec,
    on_progress: Progress | None = None,
) -> IngestResult:
    """Take the files of a batch into the store.

    Args:
        store: where to.
        batch: what to take; paths that an earlier run took already are not read again.
        landing: the folder that the paths are below.
        spec: labels, image rules, classes, and what becomes of a file that was taken.
        on_progress: called with the number of files done and of all files.

    Raises:
        StoreLocked: another process writes.
        DiskFull: too little space; what was written before is complete.
        LandingUnreadable: some files cannot be read; all others were taken.
        SpecError: the table of labels or the classes are wrong.
    """
    started = time.perf_counter()
    after.begin(store, landing, spec.source)
    files, done = batch.files(), _outcomes_so_far(store, batch)
    left = [file for file in files if as_text(file.path) not in done]
    todo = [file for file in left if not is_sidecar(spec.source, file.path)]
    sidecars = [file for file in left if is_sidecar(spec.source, file.path)]
    unreadable: list[FileRead] = []
    for outcomes in _chunks_committed(store, batch, todo, landing, spec, unreadable):
        done.update((outcome.path, outcome) for outcome in outcomes)
        if on_progress is not None:
            on_progress(len(done), len(files))
    annotated = annotate_from_files(store, batch.batch_id, sidecars, landing, spec)
    done.update((outcome.path, outcome) for outcome in annotated.outcomes)
    store.tidy()
    after.end(store, landing, files, spec.source)
    _raise_unreadable(landing, unreadable)
    paths = (as_text(file.path) for file in files)
    outcomes = tuple(done[path] for path in paths)
    return IngestResult(
        batch_id=batch.batch_id,
        outcomes=outcomes,
        seconds=time.perf_counter() - started,
        faults=faults_of(store, batch.batch_id),
        n_annotated=annotated.n_images,
    )


def _chunks_committed(
    store: ImageStore,
    batch: Batch,
    files: Sequence[LandedFile],
    landing: Path,
    spec: PipelineSpec,
    unreadable: list[FileRead],
) -> Iterator[list[Outcome]]:
    """Read chunk by chunk; each is written while the next one is read."""
    label = labeller(spec.source, landing, indices(store))
    with ThreadPoolExecutor(_cores()) as readers, ThreadPoolExecutor(1) as writer:
        pending: Future[list[Outcome]] | None = None
        for chunk in _chunks(files):
            reads = list(readers.map(lambda file: read_file(landing, file, spec.images), chunk))
            unreadable += [read for read in reads if isinstance(read.found, OSError)]
            reads = [read for read in reads if not isinstance(read.found, OSError)]
            if pending is not None:
                yield pending.result()
            pending = writer.submit(commit_chunk, store, batch.batch_id, reads, label, spec)
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


def _cores() -> int:
    return os.cpu_count() or 1
