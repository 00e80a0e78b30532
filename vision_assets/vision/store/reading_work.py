"""Files that several readers share: each takes the next few until none are left."""

from collections import deque
from collections.abc import Sequence

from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.reading import FileRead

_FILES_A_PART = 8


class ReadingWork:
    """Files to read and what was found; safe to use by several threads.

    Attributes:
        files: all files, in order.
    """

    def __init__(self, files: Sequence[LandedFile]) -> None:
        self.files = files
        self._found: dict[int, FileRead] = {}
        starts = range(0, len(files), _FILES_A_PART)
        self._parts = deque(range(at, min(at + _FILES_A_PART, len(files))) for at in starts)

    def take(self) -> range:
        """The next files, as indices; empty where none are left."""
        try:
            return self._parts.popleft()
        except IndexError:
            return range(0)

    def put(self, index: int, read: FileRead) -> None:
        """What was found at a file."""
        self._found[index] = read

    def found(self) -> list[FileRead]:
        """What was found at every file, in order."""
        return [self._found[index] for index in range(len(self.files))]
