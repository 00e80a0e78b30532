"""How full the disk of a home is, and whether there is room to go on.

A home that is low on disk takes no new images and starts no training; files wait in the landing
folder. The endpoint goes on: it writes nothing that grows.
"""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from vision_assets.vision.errors import DiskFull, SpecError

QUOTA_VARIABLE = "VISION_ASSETS_QUOTA_GB"
MIN_FREE_VARIABLE = "VISION_ASSETS_MIN_FREE_GB"
DEFAULT_MIN_FREE_GB = 1.0
LITTLE_FREE_BYTES = 5 * 10**9
"""With less than this free somebody has to look, before the home is low on disk."""
_GB = 1_000_000_000
_MEASURED_EVERY_S = 60.0
_measured: dict[Path, tuple[float, int]] = {}


@dataclass(frozen=True)
class DiskState:
    """The disk of a home.

    Attributes:
        home: the folder.
        free_bytes: of its disk, for this user.
        total_bytes: of its disk.
        used_bytes: what the home holds; None where nobody asked and there is no quota.
        quota_bytes: what it may hold; None: all there is room for.
        min_free_bytes: what has to stay free.
    """

    home: Path
    free_bytes: int
    total_bytes: int
    used_bytes: int | None
    quota_bytes: int | None
    min_free_bytes: int

    @property
    def low(self) -> bool:
        """Whether no new images are taken and no training is started."""
        return self.free_bytes < self.min_free_bytes or self._over_quota

    @property
    def text(self) -> str:
        """How it is, in words; with what to do where it is low."""
        said = f"{_gb(self.free_bytes)} of {_gb(self.total_bytes)} free"
        if self.used_bytes is not None:
            quota = "" if self.quota_bytes is None else f" of {_gb(self.quota_bytes)} it may hold"
            said += f", the home holds {_gb(self.used_bytes)}{quota}"
        if not self.low:
            return said
        limit = (
            f"the quota of {QUOTA_VARIABLE} is used up"
            if self._over_quota
            else f"{_gb(self.min_free_bytes)} have to stay free ({MIN_FREE_VARIABLE})"
        )
        return f"{said}; {limit}: see `vision-assets housekeeping`, or give the home more room"

    @property
    def _over_quota(self) -> bool:
        if self.quota_bytes is None or self.used_bytes is None:
            return False
        return self.used_bytes >= self.quota_bytes


def disk_state(home: Path, measured: bool = False) -> DiskState:
    """The state of the disk now; of a quota, what the home held at most a minute ago.

    Args:
        home: the home; the disk is the one that it would be made on.
        measured: also say how much the home holds where there is no quota.

    Raises:
        SpecError: a variable is no number.
    """
    quota_bytes = _bytes_of(QUOTA_VARIABLE, None)
    usage = shutil.disk_usage(nearest(home))
    needs_size = measured or quota_bytes is not None
    return DiskState(
        home=home,
        free_bytes=usage.free,
        total_bytes=usage.total,
        used_bytes=_used_bytes(home) if needs_size else None,
        quota_bytes=quota_bytes,
        min_free_bytes=_bytes_of(MIN_FREE_VARIABLE, DEFAULT_MIN_FREE_GB) or 0,
    )


def refuse_when_low(home: Path, what: str) -> None:
    """Refuse to begin what fills the disk.

    Args:
        home: the home.
        what: what is not done, such as `no image was taken`.

    Raises:
        DiskFull: the home is low on disk.
    """
    state = disk_state(home)
    if state.low:
        raise DiskFull(f"low on disk, {what}: {state.text}")


LOST_AND_FOUND = "lost+found"
"""Folder of root at the top of an ext4 disk, which may be the home's own."""


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder, or of a file; links are not followed.

    What this user may not list, such as LOST_AND_FOUND, counts nothing.
    """
    total, folders = 0, [folder]
    while folders:
        current = folders.pop()
        try:
            with os.scandir(current) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(Path(entry.path))
                    else:
                        total += _size_of(entry)
        except NotADirectoryError:
            total += current.lstat().st_size
        except (FileNotFoundError, PermissionError):
            continue
    return total


def _size_of(entry: os.DirEntry[str]) -> int:
    """Bytes of a file; none where it has gone since it was listed."""
    try:
        return entry.stat(follow_symlinks=False).st_size
    except FileNotFoundError:
        return 0


def _used_bytes(home: Path) -> int:
    now_s = time.monotonic()
    measured_s, size_bytes = _measured.get(home, (float("-inf"), 0))
    if now_s - measured_s > _MEASURED_EVERY_S:
        size_bytes = size_of(home)
        _measured[home] = now_s, size_bytes
    return size_bytes


def nearest(path: Path) -> Path:
    """The path, or the first folder above it that exists."""
    return next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())


def _bytes_of(variable: str, default_gb: float | None) -> int | None:
    text = os.environ.get(variable)
    try:
        gb = default_gb if not text else float(text)
    except ValueError:
        gb = -1.0
    if gb is not None and not 0 <= gb < float("inf"):
        raise SpecError(f"expected {variable} to be a number of gigabytes, got {text!r}")
    return None if gb is None else int(gb * _GB)


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / _GB:.1f} GB" if size_bytes >= _GB / 10 else f"{size_bytes / 1e6:.1f} MB"
