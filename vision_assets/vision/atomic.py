"""Files and folders that appear complete or not at all.

Everything is written beside its target under a name that begins with a dot, synced to
disk, and renamed; a reader never sees half of it, whenever the writer is killed or the power
is cut. A full disk leaves what was there.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vision_assets.vision.errors import DiskFull

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_ROOM_IN_WORDS = ("no space left", "quota exceeded")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file, replacing one that is there.

    Raises:
        DiskFull: the disk is full; what was there stays.
    """
    with room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file, replacing one that is there."""
    write_bytes(path, text.encode())


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A file to write, which replaces `path` when the block ends without an error.

    Raises:
        DiskFull: the disk is full; what was there stays.
    """
    with room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        os.close(descriptor)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o644)
            _sync_file(temporary)
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path, is_sound: Callable[[Path], bool] = Path.exists) -> Iterator[Path]:
    """A folder to fill, which becomes `path` when the block ends without an error.

    When `path` exists by then, because another process made the same content first, it
    stays and the new one is dropped: for folders that are named by their content.

    Args:
        path: the folder.
        is_sound: whether what is at `path` may stay; a damaged one is replaced.

    Raises:
        DiskFull: the disk is full; nothing is at `path` that was not there before.
    """
    with room_for(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        try:
            yield temporary
            temporary.chmod(0o755)
            sync_tree(temporary)
            if path.exists() and not is_sound(path):
                path.rename(_aside(path))
            if not path.exists():
                temporary.rename(path)
                sync_folder(path.parent)
        finally:
            for left in (temporary, _aside(path)):
                if left.exists():
                    shutil.rmtree(left)


def holding(*names: str) -> Callable[[Path], bool]:
    """For `new_folder`: whether a folder has all files of these names."""
    return lambda folder: all((folder / name).is_file() for name in names)


@contextmanager
def synced(folder: Path) -> Iterator[None]:
    """Files that appear below a folder while the block runs are on disk when it ends.

    For writers that do not sync what they write.
    """
    before = _files(folder)
    yield
    new = _files(folder) - before
    for path in new:
        with suppress(FileNotFoundError):  # a passing file of the writer
            _sync_file(path)
    for inner in {path.parent for path in new} | {folder, folder.parent}:
        sync_folder(inner)


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """A full disk is told as such.

    Raises:
        DiskFull: the disk, or a quota, has no room for what the block writes.
    """
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(
                f"the disk of {path.parent} is full: {path.name} was not written, what was there "
                "stays; free some space, then run it again"
            ) from error
        raise


def is_full(error: OSError) -> bool:
    """Whether it says that a disk, or a quota, has no room; Lance says so in words alone."""
    said = str(error).lower()
    return error.errno in _NO_ROOM or any(words in said for words in _NO_ROOM_IN_WORDS)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Put a folder on disk with all that is in it."""
    for root, _, names in os.walk(folder):
        for name in names:
            _sync_file(Path(root, name))
        sync_folder(Path(root))


def _aside(path: Path) -> Path:
    """Where a damaged folder is until it is removed."""
    return path.with_name(f".{path.name}-damaged-{os.getpid()}")


def _files(folder: Path) -> set[Path]:
    return {Path(root, name) for root, _, names in os.walk(folder) for name in names}


def _sync_file(file: Path) -> None:
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
