"""Decoded images that are kept from one training to the next, bounded in bytes.

    <folder>/<height>x<width>-<decoder>-<digest of the ids>/
      pixels        the images one after the other, uint8 RGB
      index.json    their ids, and the CRC-32 of each

A training reads one such pack. Where there is none of its images, one is made: from older
packs of the same size as far as these have them, by decoding for the rest. The packs that
were not used for longest are removed once all together are too large. A pack appears
complete or not at all, and is checked before it is used. A process that has a pack open goes
on with it while another one removes it.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vision_assets.vision.atomic import new_folder, write_text
from vision_assets.vision.errors import StoreError, StoreLocked
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.training.pixel_file import CHANNELS, checksum, read_image, write_image
from vision_assets.vision.training.views import split_key

DEFAULT_CAPACITY_BYTES = 10_000_000_000
_PIXELS_FILE, _INDEX_FILE, _FORGOTTEN_FILE = "pixels", "index.json", "forgotten.txt"
_DECODER_LIBRARIES = ("simplejpeg", "pillow", "numpy")
_DECODER_VERSION = 1
_LOCK_WAIT_S = 24 * 3600
_STALE_S = 2 * _LOCK_WAIT_S

Size = tuple[int, int]
Fill = Callable[[BinaryIO, Mapping[str, int]], dict[str, int]]
"""(file, row of each image that is missing) -> CRC-32 of each, once it is written."""
_Remove = Callable[[Path], None]
_try_to_remove: _Remove = partial(shutil.rmtree, ignore_errors=True)
"""What is only in the way: what stays goes next time."""


class PixelCache:
    """Packs of decoded images below one folder; safe for several processes."""

    def __init__(self, folder: Path, capacity_bytes: int = DEFAULT_CAPACITY_BYTES) -> None:
        self.folder, self.capacity_bytes = folder, capacity_bytes

    def open(self, ids: Sequence[str], size: Size, fill: Fill) -> BinaryIO:
        """The pixels of images, one after the other in the order asked.

        Args:
            ids: of the images, each once.
            size: height and width.
            fill: decodes what no pack has.
        """
        path = self.folder / f"{_kind(size)}-{_digest(ids)}"
        with file_lock(self.folder / f"{path.name}.lock", _LOCK_WAIT_S):
            forgotten = self._forgotten()
            if not _is_sound(path, ids, size):
                with suppress(FileNotFoundError):
                    shutil.rmtree(path)
                self._make(path, ids, size, fill)
            os.utime(path)
            file = (path / _PIXELS_FILE).open("rb")
            if self._forgotten() != forgotten:
                shutil.rmtree(path)
        self._evict()
        return file

    def forget(self, ids: Sequence[str]) -> None:
        """Remove every pack that may hold one of these images, also one that is being made.

        A pack whose index cannot be read goes as well: nobody knows what it shows.

        Raises:
            StoreError: a pack cannot be removed; the same call again goes on.
        """
        if not self.folder.is_dir():
            return
        write_text(self.folder / _FORGOTTEN_FILE, f"{time.time_ns()}\n")
        erased = set(ids)
        for path in self.folder.glob("[!.]*/"):
            ids = _Index.read(path).ids
            if not ids or erased & {split_key(key)[0] for key in ids}:
                _remove(path)
        self._sweep(_remove)

    def size_bytes(self) -> int:
        """Bytes of all packs."""
        return sum(_size_bytes(path) for path in self._packs())

    def _make(self, path: Path, ids: Sequence[str], size: Size, fill: Fill) -> None:
        with new_folder(path) as folder, (folder / _PIXELS_FILE).open("wb") as file:
            row_of = {image_id: row for row, image_id in enumerate(ids)}
            checksums = self._copy_known(file, row_of, size)
            missing = {key: row for key, row in row_of.items() if key not in checksums}
            if missing:
                checksums |= fill(file, missing)
            _Index(tuple(ids), tuple(checksums[key] for key in ids)).write(folder)

    def _copy_known(self, file: BinaryIO, row_of: Mapping[str, int], size: Size) -> dict[str, int]:
        """Copy what older packs of the same size have; the checksums of what was copied."""
        copied: dict[str, int] = {}
        for path in sorted(self._packs(_kind(size)), key=_last_used, reverse=True):
            if len(copied) == len(row_of):
                break
            for image_id, image, sum_ in _images(path, size, row_of.keys() - copied.keys()):
                write_image(file, row_of[image_id], image)
                copied[image_id] = sum_
        return copied

    def _evict(self) -> None:
        """Remove the packs that were not used for longest until the rest is small enough."""
        packs = sorted(self._packs(), key=_last_used)
        total = sum(map(_size_bytes, packs))
        for path in packs:
            if total <= self.capacity_bytes:
                break
            total -= _size_bytes(path)
            _try_to_remove(path)
        self._sweep(_try_to_remove)

    def _sweep(self, remove: _Remove) -> None:
        """Remove what killed processes left behind: nobody holds the lock of such a pack."""
        for path in self.folder.glob(".*-*/"):
            pack = path.name[1:].rpartition("-")[0]
            with suppress(StoreLocked), file_lock(self.folder / f"{pack}.lock", wait_s=0):
                remove(path)
        for path in self.folder.glob("*.lock"):
            if not path.with_suffix("").exists() and time.time() - _last_used(path) > _STALE_S:
                path.unlink(missing_ok=True)

    def _packs(self, kind: str = "") -> list[Path]:
        found = self.folder.glob(f"{kind}[!.]*")
        return [path for path in found if (path / _INDEX_FILE).is_file()]

    def _forgotten(self) -> str:
        """Changes whenever images are forgotten."""
        path = self.folder / _FORGOTTEN_FILE
        return path.read_text() if path.exists() else ""


@dataclass(frozen=True)
class _Index:
    """Which images a pack holds, in order, and the CRC-32 of each."""

    ids: tuple[str, ...]
    checksums: tuple[int, ...]

    @classmethod
    def read(cls, pack: Path) -> "_Index":
        """The index of a pack; one without images where it cannot be read."""
        try:
            said = json.loads((pack / _INDEX_FILE).read_text())
            ids, checksums = tuple(said["ids"]), tuple(said["checksums"])
        except (OSError, ValueError, KeyError, TypeError):
            return cls((), ())
        return cls(ids, checksums) if len(ids) == len(checksums) else cls((), ())

    def write(self, pack: Path) -> None:
        said = {"ids": self.ids, "checksums": self.checksums}
        (pack / _INDEX_FILE).write_text(json.dumps(said))


def _is_sound(path: Path, ids: Sequence[str], size: Size) -> bool:
    """Whether a pack holds exactly these images, undamaged."""
    return sum(1 for _ in _images(path, size, set(ids))) == len(ids)


def _images(path: Path, size: Size, wanted: set[str]) -> Iterator[tuple[str, np.ndarray, int]]:
    """Id, pixels and CRC-32 of the undamaged images of a pack that are wanted.

    The array is used again for the next image.
    """
    index = _Index.read(path)
    rows = [row for row, image_id in enumerate(index.ids) if image_id in wanted]
    image = np.empty((*size, CHANNELS), np.uint8)
    with ExitStack() as stack:
        try:
            file = stack.enter_context((path / _PIXELS_FILE).open("rb"))
            for row in rows:
                read_image(file, row, image)
                if checksum(image) == index.checksums[row]:
                    yield index.ids[row], image, index.checksums[row]
        except (FileNotFoundError, EOFError):
            return


def _remove(path: Path) -> None:
    try:
        with suppress(FileNotFoundError):  # another process removes it
            shutil.rmtree(path)
    except OSError as error:
        raise StoreError(
            f"{path} may show erased images and cannot be removed ({error}); remove the folder by "
            "hand, then remove the images again"
        ) from error


def _kind(size: Size) -> str:
    return f"{size[0]}x{size[1]}-{_decoder()}"


@cache
def _decoder() -> str:
    """Names the code that decodes and resizes: other versions may give other pixels."""
    said = [_DECODER_VERSION, *(version(name) for name in _DECODER_LIBRARIES)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]


def _digest(ids: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:16]


def _size_bytes(pack: Path) -> int:
    try:
        return sum(file.stat().st_size for file in pack.iterdir())
    except FileNotFoundError:
        return 0


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
