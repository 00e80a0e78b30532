"""Files read on every core: by threads of this process, and by processes beside it.

Threads alone overlap little: between the calls that decode they hold the interpreter's lock.
A process costs a quarter of a second of one core, so each has to have many files to read.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from vision_assets.vision.cores import available_cores
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.reading import FileRead, read_files
from vision_assets.vision.store.reading_process import ReadingProcess
from vision_assets.vision.store.reading_work import ReadingWork

FILES_A_PROCESS = 500


class Readers:
    """Reads the files of a landing folder; a context that ends its processes.

    Args:
        landing: the folder that the paths are below.
        limits: what is decoded at all.
        n_files: how many will be read; few start no process.
    """

    def __init__(self, landing: Path, limits: Limits, n_files: int) -> None:
        self._landing = landing
        self._limits = limits
        self._n_processes = min(available_cores() - 1, n_files // FILES_A_PROCESS)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._threads = self._open.enter_context(ThreadPoolExecutor(available_cores()))
        processes = [
            self._open.enter_context(ReadingProcess(self._landing, self._limits))
            for _ in range(self._n_processes)
        ]
        here = [self._read_here] * (available_cores() - self._n_processes)
        self._readers = [*(process.read for process in processes), *here]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def read(self, files: Sequence[LandedFile]) -> list[FileRead]:
        """Read files; gives what was found at each, in their order.

        Raises:
            StoreError: a path leads out of the landing folder, or a process died.
        """
        work = ReadingWork(files)
        for reader in [self._threads.submit(reader, work) for reader in self._readers]:
            reader.result()
        return work.found()

    def _read_here(self, work: ReadingWork) -> None:
        while part := work.take():
            files = work.files[part.start : part.stop]
            for index, read in zip(
                part, read_files(self._landing, files, self._limits), strict=True
            ):
                work.put(index, read)
