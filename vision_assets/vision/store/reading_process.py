"""A process that reads files, from the side that asks it.

A plain process and two pipes: the workers of `multiprocessing` import the program's main
module again (the command line, Dagster), and outlive a process that is killed.
"""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import asdict, astuple
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from vision_assets.vision.errors import StoreError
from vision_assets.vision.formats.path_text import as_text
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.read_message import PIPE_BYTES, receive
from vision_assets.vision.store.reading_work import ReadingWork

WORKER = "vision_assets.vision.store.reading_worker"
# Asked ahead of the answers, so that the process never waits for the next question.
_PARTS_ASKED = 2
_END_WAIT_S = 10.0
# The C library would hand the memory of pictures back, and fetch it again for the next ones.
_KEPT_BYTES = str(32 * 1024 * 1024)
_MALLOC = {"MALLOC_TRIM_THRESHOLD_": _KEPT_BYTES, "MALLOC_MMAP_THRESHOLD_": _KEPT_BYTES}


class ReadingProcess:
    """Starts a reading worker; a context that ends it."""

    def __init__(self, landing: Path, limits: Limits) -> None:
        self._process = subprocess.Popen(  # noqa: S603 (our own module)
            [sys.executable, "-P", "-m", WORKER, str(landing), json.dumps(asdict(limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=PIPE_BYTES,
            env=_MALLOC
            | os.environ
            | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._questions: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        _widen(self._answers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()  # it holds nothing that could be lost
        self._process.wait()
        self._answers.close()
        with suppress(BrokenPipeError):
            self._questions.close()

    def read(self, work: ReadingWork) -> None:
        """Take work and have it done until none is left.

        Raises:
            StoreError: a path leads out of the landing folder, or the process died.
        """
        asked: deque[range] = deque()
        while True:
            while len(asked) < _PARTS_ASKED and (part := work.take()):
                self._ask([work.files[index] for index in part])
                asked.append(part)
            if not asked:
                return
            self._answered(work, asked.popleft())

    def _ask(self, files: list[LandedFile]) -> None:
        with suppress(BrokenPipeError):  # the answer that is missing tells more
            self._questions.write(json.dumps(list(map(astuple, files))).encode() + b"\n")
            self._questions.flush()

    def _answered(self, work: ReadingWork, part: range) -> None:
        """Wait for the answers to one question."""
        try:
            for index in part:
                work.put(index, receive(self._answers, work.files[index]))
        except EOFError:
            first, last = (as_text(work.files[index].path) for index in (part[0], part[-1]))
            raise StoreError(
                f"the process that examined {len(part)} files, {first!r} to {last!r}, "
                f"{_ended(self._process.wait(_END_WAIT_S))}; what was written before is complete: "
                "run it again. Where memory was short, free some; where it ends at the same files "
                "again, one of them is the cause: take it out of the landing folder"
            ) from None


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more; where the system refuses, the process waits more often."""
    if sys.platform == "linux":
        with suppress(PermissionError):
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _ended(status: int) -> str:
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with exit status {status}; its error output says why"
