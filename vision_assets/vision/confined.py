"""Paths that came from outside, kept below the folder that they belong to."""

import os
from pathlib import Path


class Outside(OSError):
    """A path leads out of its folder: it is absolute, goes up, or follows a link."""


def confined(root: Path, path: str) -> Path:
    """Where a path below a folder leads, once every link was followed.

    Args:
        root: the folder.
        path: posix, relative to it; need not exist.

    Raises:
        Outside: it leads elsewhere.
    """
    _refuse_upward(root, path)
    target = os.path.realpath(os.path.join(root, path))
    _refuse_outside(root, path, target, os.path.realpath(root))
    return Path(target)


def open_below(root: Path, path: str) -> int:
    """Open a file below a folder for reading; never wait for a pipe.

    What was opened is asked where it lies, so that no link can be put in between; quicker than
    `confined` as well.

    Args:
        root: the folder.
        path: posix, relative to it.

    Returns:
        The descriptor; the caller closes it.

    Raises:
        Outside: it leads elsewhere.
        OSError: it cannot be opened.
    """
    _refuse_upward(root, path)
    descriptor = os.open(os.path.join(root, path), os.O_RDONLY | os.O_NONBLOCK)
    try:
        _refuse_outside(root, path, _place_of(descriptor), _place_of_folder(root))
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _refuse_upward(root: Path, path: str) -> None:
    if os.path.isabs(path) or ".." in path.split("/"):
        raise Outside(f"expected a path below {root}, got {path!r}")


def _refuse_outside(root: Path, path: str, target: str, place: str) -> None:
    if target != place and not target.startswith(place.rstrip("/") + "/"):
        raise Outside(f"{path!r} is a link out of {root}; put the file itself there")


def _place_of_folder(folder: Path) -> str:
    descriptor = os.open(folder, os.O_PATH)
    try:
        return _place_of(descriptor)
    finally:
        os.close(descriptor)


def _place_of(descriptor: int) -> str:
    return os.readlink(f"/proc/self/fd/{descriptor}")
