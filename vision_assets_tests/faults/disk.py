"""Small disks that are filled up, and whose power is cut; they need the right to mount."""

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vision_assets.vision.atomic import sync_folder

_SHUTDOWN = 0x8004587D
"""EXT4_IOC_SHUTDOWN, fs/ext4/ext4.h of Linux: xfstests cuts the power with it."""
_WITHOUT_FLUSHING = struct.pack("I", 2)
_UNMOUNT_S = 60.0
# A file that is renamed without having been synced is then not written on the quiet.
_JOURNALLED = "loop,noauto_da_alloc"


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
        """For good: a power cut does not bring it back."""
        self._balloon.unlink()
        sync_folder(self.folder)


class JournalledDisk(Disk):
    """A disk of ext4 in a file, whose power is cut.

    Args:
        image: the file.
        folder: where it is mounted.
    """

    def __init__(self, image: Path, folder: Path) -> None:
        super().__init__(folder)
        self._image = image

    def lose_power(self) -> None:
        """From this moment nothing reaches the disk: what was not written to it yet is lost."""
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, _WITHOUT_FLUSHING)
        finally:
            os.close(descriptor)

    def regain_power(self) -> None:
        """Mount what is on the disk; who had files of it open must be dead."""
        deadline = time.monotonic() + _UNMOUNT_S
        while not _succeeds("umount", str(self.folder)):
            assert time.monotonic() < deadline, f"{self.folder} is still in use"
            time.sleep(0.2)
        assert self.mount()

    def mount(self) -> bool:
        """Whether this user may."""
        return _succeeds("mount", "-o", _JOURNALLED, str(self._image), str(self.folder))


@contextmanager
def small_disk(folder: Path, size_mb: int) -> Iterator[Disk | None]:
    """One in memory; None where this user may not mount."""
    folder.mkdir(parents=True)
    if not _succeeds("mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "none", str(folder)):
        yield None
        return
    with _unmounted_at_last(folder):
        yield Disk(folder)


@contextmanager
def journalled_disk(folder: Path, size_mb: int) -> Iterator[JournalledDisk | None]:
    """One in a file beside the folder; None where this user may not mount."""
    folder.mkdir(parents=True)
    image = folder.with_name(f"{folder.name}.img")
    with image.open("wb") as file:
        file.truncate(size_mb * 2**20)
    disk = JournalledDisk(image, folder)
    if not (_succeeds("mkfs.ext4", "-q", "-m", "0", str(image)) and disk.mount()):
        yield None
        return
    with _unmounted_at_last(folder):
        yield disk


@contextmanager
def _unmounted_at_last(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _succeeds(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
