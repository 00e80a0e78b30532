"""A lock between processes, held through a file and freed by the system on any death."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vision_assets.vision.atomic import room_for
from vision_assets.vision.errors import StoreLocked

_POLL_S = 0.05


@contextmanager
def file_lock(path: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock while the block runs.

    Args:
        path: the lock file; its folder is created.
        wait_s: how long to wait for another holder.

    Raises:
        StoreLocked: another process still holds it; the message says which.
        DiskFull: there is no room even for the lock.
    """
    with room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _acquire(descriptor, path, time.monotonic() + wait_s)
        with room_for(path):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock now; nothing is created by asking."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _acquire(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 32, 0).decode() or "unknown"
                raise StoreLocked(
                    f"{path.parent} is being written by process {holder}; "
                    "wait until it is done, then try again"
                ) from None
            time.sleep(_POLL_S)
