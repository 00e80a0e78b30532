"""Annotation files as bytes or text: bounded, and what is wrong with one is a fault."""

import errno
import math
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vision_assets.vision.confined import Outside, open_below
from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said

MAX_BYTES = 32 * 1024 * 1024
"""Of one file about one image."""
_NO_FILE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)


class Unusable(Exception):
    """A file cannot be used; carries what is to be said of it."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail

    def said(self, file: str) -> Said:
        """Nothing but the fault."""
        return Said(file, faults=(Fault(self.kind, file, self.detail),))


@contextmanager
def reading(landing: Path, path: str) -> Iterator[None]:
    """Tell a file that is wrong, which is a fault, from one that may be read another time.

    Raises:
        Unusable: no file is there, or it lies elsewhere.
        LandingUnreadable: it cannot be read now, as when its share is gone.
    """
    try:
        yield
    except Outside as error:
        raise Unusable(Kind.DAMAGED, str(error)) from error
    except OSError as error:
        if error.errno in _NO_FILE:
            raise Unusable(Kind.DAMAGED, f"cannot be read ({error.strerror})") from error
        raise LandingUnreadable(
            f"the annotation file {landing / path} cannot be read ({error.strerror}); mount the "
            "folder, or give this user the right to read it, then run it again"
        ) from error


def is_there(landing: Path, path: str) -> bool:
    """Whether a file is at a path.

    Raises:
        LandingUnreadable: nobody can tell now.
    """
    try:
        with reading(landing, path):
            return stat.S_ISREG(os.stat(landing / path).st_mode)
    except Unusable:
        return False


def read_bytes(landing: Path, path: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The whole file.

    Args:
        landing: folder that the path is below; a link out of it is not followed.
        path: of the file, posix.
        max_bytes: the most that is read.

    Raises:
        Unusable: it is too large, not there, or lies elsewhere.
        LandingUnreadable: it cannot be read now.
    """
    with reading(landing, path), os.fdopen(open_below(landing, path), "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise Unusable(Kind.TOO_LARGE, f"expected at most {max_bytes} bytes")
    return data


def read_head(landing: Path, path: str, n_bytes: int) -> bytes:
    """The first bytes of a file; none of what is no file of the folder.

    Raises:
        LandingUnreadable: it cannot be read now.
    """
    if not is_there(landing, path):
        return b""
    try:
        with reading(landing, path), os.fdopen(open_below(landing, path), "rb") as file:
            return file.read(n_bytes)
    except Unusable:
        return b""


def number(text: str | None, name: str) -> float:
    """A finite number.

    Raises:
        ValueError: it is none.
    """
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"expected a number as {name}, got {text!r}"[:200])
    return value
