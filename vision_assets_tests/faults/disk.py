"""A small disk in memory that is filled up and emptied again; needs the right to mount."""

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Disk:
    """A small disk that is filled up to some bytes, and emptied again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._balloon = folder / "balloon"

    def fill(self, leave_bytes: int = 0) -> None:
        """Take all room but some bytes, also while others write."""
        with self._balloon.open("ab") as file:
            while (size := self._free_bytes() - leave_bytes) > 0:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def _free_bytes(self) -> int:
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def make_room(self) -> None:
        self._balloon.unlink()


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Disk | None]:
    """Mount one; None where this user may not."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
