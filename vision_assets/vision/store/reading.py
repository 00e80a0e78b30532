"""Landed files: read each once, hash it, examine it; nothing is written here."""

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from vision_assets.vision.confined import Outside, open_below
from vision_assets.vision.errors import ImageRefused, Reason, StoreError
from vision_assets.vision.inference.decode import Limits
from vision_assets.vision.store.examination import Examined, examine_all
from vision_assets.vision.store.landed_file import LandedFile
from vision_assets.vision.store.outcomes import Status


@dataclass(frozen=True, slots=True)
class FileRead:
    """What was found at a path.

    Attributes:
        missing: CHANGED or VANISHED where the file is not what the batch lists, else None.
        image_id: SHA-256 of the bytes; empty where missing.
        data: the bytes as received, for the quarantine alone; None where there are none or
            too many.
        found: the image, or why it is refused, or the error of reading it.
    """

    file: LandedFile
    missing: Status | None = None
    image_id: str = ""
    data: bytes | None = None
    found: Examined | ImageRefused | OSError | None = None


def read_files(landing: Path, files: Sequence[LandedFile], limits: Limits) -> list[FileRead]:
    """Read and examine some files of a batch; whatever is wrong with one is in its result.

    Raises:
        StoreError: a path leads out of the landing folder.
    """
    reads = [_read(landing, file, limits) for file in files]
    images = [read.data for read in reads if read.data is not None]
    examined = iter(examine_all(images, limits))
    return [read if read.data is None else _found(read, next(examined)) for read in reads]


def _read(landing: Path, file: LandedFile, limits: Limits) -> FileRead:
    """What is at a path; where it has data, they are to be examined."""
    try:
        image_id, data = _read_unchanged(landing, file, limits.max_bytes)
    except FileNotFoundError:
        return FileRead(file, missing=Status.VANISHED)
    except _ChangedError:
        return FileRead(file, missing=Status.CHANGED)
    except OSError as error:
        return FileRead(file, found=error)
    if data is None:
        return FileRead(file, image_id=image_id, found=_too_many_bytes(file, limits))
    return FileRead(file, image_id=image_id, data=data)


def _found(read: FileRead, found: Examined | ImageRefused) -> FileRead:
    return FileRead(read.file, image_id=read.image_id, data=read.data or None, found=found)


class _ChangedError(Exception):
    """The file is not the one that the batch lists."""


def _read_unchanged(landing: Path, file: LandedFile, max_bytes: int) -> tuple[str, bytes | None]:
    """Hash and bytes of a file that is the same before and after reading."""
    with os.fdopen(_open(landing, file.path), "rb", buffering=0) as opened:
        _check_unchanged(opened.fileno(), file)
        if file.size_bytes > max_bytes:
            image_id, data = hashlib.file_digest(opened, "sha256").hexdigest(), None
        else:
            data = _at_most(opened, file.size_bytes + 1)
            image_id = hashlib.sha256(data).hexdigest()
        _check_unchanged(opened.fileno(), file)
    if data is not None and len(data) != file.size_bytes:
        raise _ChangedError
    return image_id, data


def _at_most(opened: FileIO, n_bytes: int) -> bytes:
    """All bytes of a file, or the first `n_bytes`; a single read may give fewer."""
    parts = []
    while n_bytes > 0 and (part := opened.read(n_bytes)):
        parts.append(part)
        n_bytes -= len(part)
    return b"".join(parts)


def _open(landing: Path, path: str) -> int:
    try:
        return open_below(landing, path)
    except Outside as error:
        raise StoreError(f"a path leads out of the landing folder: {error}") from error


def _check_unchanged(descriptor: int, file: LandedFile) -> None:
    state = os.fstat(descriptor)
    same = (state.st_size, state.st_mtime_ns) == (file.size_bytes, file.modified_ns)
    if not same or not stat.S_ISREG(state.st_mode):
        raise _ChangedError


def _too_many_bytes(file: LandedFile, limits: Limits) -> ImageRefused:
    return ImageRefused(
        Reason.TOO_MANY_BYTES,
        f"expected at most {limits.max_bytes} bytes, got {file.size_bytes}; the file stays in the "
        f"landing folder: raise {limits.bytes_key} and put it there again",
    )
