"""Answering every file of a folder, on all cores, in bounded memory.

Each thread reads, decodes and runs one image at a time; the decoders and ONNX Runtime let go
of the interpreter's lock meanwhile.
"""

import hashlib
import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from vision_assets.vision.cores import available_cores
from vision_assets.vision.errors import DatasetError, ImageRefused
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.image_file import UNREADABLE, read_image_file
from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, Limits
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.scoring.journal import Journal, Row

_WAITING_PER_THREAD = 4
_SAVED_EVERY = 256

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class ScoreReport:
    """What a scoring did.

    Attributes:
        out: the Parquet file.
        bundle_id: who answered.
        files: in the folder.
        scored: answered or refused now; the others were known.
        refused: files without an answer.
        seconds: all of it took.
    """

    out: Path
    bundle_id: str
    files: int
    scored: int
    refused: int
    seconds: float


def score_folder(
    bundle: Bundle,
    folder: Path,
    out: Path,
    limits: Limits = DEFAULT_LIMITS,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> ScoreReport:
    """Write the answers for all files of a folder and of those below it.

    A file that is there with the same bytes since the same bundle answered it is not answered
    again; hidden files are left alone. A run that is killed is gone on with by the next one.

    Args:
        bundle: who answers.
        folder: with the images.
        out: the Parquet file; replaced as a whole once all files are answered.
        limits: what is decoded at all.
        threads: images at a time; default: one for each core that this process may use.
        on_progress: told of the files done and of all files.

    Raises:
        DatasetError: the folder is none, or `out` is something else.
        BundleError: the model cannot be loaded.
        StoreLocked: another process writes `out`.
    """
    if not folder.is_dir():
        raise DatasetError(f"expected a folder of images, got {folder}; name one that exists")
    folder, out = folder.absolute(), out.absolute()
    began = time.monotonic()
    threads = threads or available_cores()
    scorer = _Scorer(Predictor(bundle, limits), folder)
    paths = [path for path in _files(folder) if folder / path != out]
    scored = 0
    with (
        file_lock(out.with_name(f".{out.name}.lock"), wait_s=0),
        Journal.open(out, bundle.bundle_id) as journal,
        ThreadPoolExecutor(threads) as pool,
    ):
        for done, (path, row) in enumerate(_in_order(pool, scorer, paths, journal, threads), 1):
            if row is None:
                journal.keep(_name(path))
            else:
                journal.put(row)
                scored += 1
            if done % _SAVED_EVERY == 0:
                journal.save()
            if on_progress is not None:
                on_progress(done, len(paths))
        refused = journal.write(out)
    seconds = time.monotonic() - began
    return ScoreReport(out, bundle.bundle_id, len(paths), scored, refused, seconds)


class _Scorer:
    """Turns a file into its row."""

    def __init__(self, predictor: Predictor, folder: Path) -> None:
        self._predictor = predictor
        self._folder = folder

    def __call__(self, path: str, known_sha256: str | None) -> Row | None:
        """The row of a file; None where its bytes are those that were answered before."""
        sha256 = None
        try:
            data = read_image_file(self._folder, path, self._predictor.limits)
            sha256 = hashlib.sha256(data).hexdigest()
            if sha256 == known_sha256:
                return None
            answer = self._predictor.predict(data)
        except ImageRefused as refusal:
            return self._row(path, sha256, refused=str(refusal.reason), detail=refusal.detail)
        except OSError as error:
            return self._row(path, sha256, refused=UNREADABLE, detail=str(error))
        return self._row(path, sha256, answer=answer)

    def _row(
        self,
        path: str,
        sha256: str | None,
        answer: Answer | None = None,
        refused: str | None = None,
        detail: str | None = None,
    ) -> Row:
        said = answer or {}
        answered = ("label", "score", "scores", "defect_score", "decision")
        return {
            "path": _name(path),
            "sha256": sha256,
            **{name: said.get(name) for name in answered},
            "objects": json.dumps(said["objects"]) if "objects" in said else None,
            "refused": refused,
            "detail": detail,
            "bundle_id": self._predictor.bundle.bundle_id,
        }


def _files(folder: Path) -> Iterator[str]:
    """Paths of the files below a folder, relative to it, in a fixed order, without hidden ones."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            yield Path(root, name).relative_to(folder).as_posix()


def _name(path: str) -> str:
    """The path as UTF-8, which file names need not be."""
    return os.fsencode(path).decode(errors="backslashreplace")


def _in_order(
    pool: ThreadPoolExecutor, scorer: _Scorer, paths: list[str], journal: Journal, threads: int
) -> Iterator[tuple[str, Row | None]]:
    """Path and row of each file in the order of the paths, with few of them under way."""
    waiting: deque[tuple[str, Future[Row | None]]] = deque()
    for path in paths:
        waiting.append((path, pool.submit(scorer, path, journal.known_sha256(_name(path)))))
        if len(waiting) > _WAITING_PER_THREAD * threads:
            first, row = waiting.popleft()
            yield first, row.result()
    for path, row in waiting:
        yield path, row.result()
