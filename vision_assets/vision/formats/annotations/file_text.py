"""Annotation files as bytes or text: bounded, and what is wrong with one is a fault."""

import math
import os
from pathlib import Path

from vision_assets.vision.confined import Outside, open_below
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said

MAX_BYTES = 32 * 1024 * 1024
"""Of one file about one image."""


class Unusable(Exception):
    """A file cannot be used; carries what is to be said of it."""

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail

    def said(self, file: str) -> Said:
        """Nothing but the fault."""
        return Said(file, faults=(Fault(self.kind, file, self.detail),))


def read_bytes(landing: Path, path: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The whole file.

    Args:
        landing: folder that the path is below; a link out of it is not followed.
        path: of the file, posix.
        max_bytes: the most that is read.

    Raises:
        Unusable: it is too large, cannot be read, or lies elsewhere.
    """
    try:
        with os.fdopen(open_below(landing, path), "rb") as file:
            data = file.read(max_bytes + 1)
    except Outside as error:
        raise Unusable(Kind.DAMAGED, str(error)) from error
    except OSError as error:
        raise Unusable(Kind.DAMAGED, f"cannot be read ({error.strerror})") from error
    if len(data) > max_bytes:
        raise Unusable(Kind.TOO_LARGE, f"expected at most {max_bytes} bytes")
    return data


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
