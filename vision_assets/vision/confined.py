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
    if os.path.isabs(path) or ".." in Path(path).parts:
        raise Outside(f"expected a path below {root}, got {path!r}")
    target = Path(os.path.realpath(root / path))
    if not target.is_relative_to(os.path.realpath(root)):
        raise Outside(f"{path!r} is a link out of {root}; put the file itself there")
    return target
