"""Taking a backup of a home while everything runs."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from vision_assets.keeping.backup.archive import Archive, Backup, Entry
from vision_assets.keeping.backup.inventory import (
    LANDING,
    LEFT_OUT,
    WITHOUT_LANDING,
    Part,
    inventory,
    is_sqlite,
    landing_folders,
)
from vision_assets.vision.cores import available_cores
from vision_assets.vision.errors import BackupError
from vision_assets.vision.file_lock import file_lock

KEEPING_LOCK = "keeping.lock"
"""Held by whoever copies the home, or removes from it."""
_LOCK_WAIT_S = 60.0
_TRIES = 5
_BUSY_WAIT_S = 60.0
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Taken:
    """What a backup did.

    Attributes:
        backup: what was written down.
        new_bytes: that were copied; the rest was there.
        new_files: contents that were copied.
        vanished: files that were gone before they were copied: logs of runs, temporary files.
    """

    backup: Backup
    new_bytes: int
    new_files: int
    vanished: tuple[str, ...]


def take_backup(
    home: Path,
    defs: Path,
    target: Path,
    with_landing: bool = False,
    on_progress: Progress = lambda done, total: None,
) -> Taken:
    """Copy what is new in a home into an archive; nothing has to be stopped.

    Args:
        home: the home.
        defs: folder of the use cases' YAML files, which are taken too.
        target: the archive; made where there is none.
        with_landing: whether files in the home's landing folders are taken.
        on_progress: called with the number of files done, and of those known so far.

    Raises:
        BackupError: there is no home, the target lies in it, or holds something else.
        StoreLocked: another backup, or housekeeping, is under way.
    """
    if not home.is_dir():
        raise BackupError(f"expected a home to copy, got {home}, which is no folder")
    if target.resolve().is_relative_to(home.resolve()):
        raise BackupError(
            f"expected a folder outside the home, got {target} in {home}; name one on another disk"
        )
    archive = Archive(target)
    with file_lock(home / KEEPING_LOCK, _LOCK_WAIT_S), archive.writing():
        taking = _Taking(archive, archive.latest())
        parts = list(inventory(home, defs, with_landing))
        total = sum(len(part.files()) for part in parts)
        for part in parts:
            taking.take(part)
            on_progress(len(taking.entries), max(total, len(taking.entries)))
        left_out = LEFT_OUT if with_landing else LEFT_OUT | {LANDING: WITHOUT_LANDING}
        entries = tuple(taking.entries.values())
        backup = Backup(
            archive.new_name(), str(home), entries, left_out, tuple(landing_folders(home))
        )
        archive.publish(backup)
    return Taken(backup, sum(taking.new.values()), len(taking.new), tuple(taking.vanished))


class _Taking:
    """A backup on its way: entries by path, new contents' sizes, what the one before it knew."""

    def __init__(self, archive: Archive, before: Backup | None) -> None:
        self.archive = archive
        self.known = {entry.path: entry for entry in before.entries} if before else {}
        self.entries: dict[str, Entry] = {}
        self.vanished: list[str] = []
        self.new: dict[str, int] = {}

    def take(self, part: Part) -> None:
        """Copy a part; one that has to be whole is begun again where a file of it is gone."""
        for _ in range(_TRIES):
            try:
                taken = list(self._entries(part, part.files()))
                break
            except FileNotFoundError as error:
                gone = error.filename
        else:
            raise BackupError(
                f"files of {part.root} are removed faster than they can be copied, the last is "
                f"{gone}; wait until nobody erases images, then try again"
            )
        self.entries.update((entry.path, entry) for entry in taken)

    def _entries(self, part: Part, files: Sequence[Path]) -> Iterator[Entry]:
        """Files that are one state are copied on every core; the order of others counts."""
        if part.together:
            with ThreadPoolExecutor(available_cores()) as pool:
                yield from pool.map(partial(self._entry, part), files)
            return
        for file in files:
            try:
                yield self._entry(part, file)
            except FileNotFoundError:
                self.vanished.append(part.path(file))

    def _entry(self, part: Part, file: Path) -> Entry:
        path, stamp, state = part.path(file), _stamp(file), file.stat()
        known = self.known.get(path)
        if known and known.stamp == stamp and self.archive.holds(known.sha256, known.size_bytes):
            return known
        with _opened(file, self.archive) as content:
            sha256, size_bytes, is_new = self.archive.put(content)
        if is_new:
            self.new[sha256] = size_bytes
        return Entry(path, sha256, size_bytes, state.st_mtime_ns, state.st_mode & 0o777, stamp)


def _stamp(file: Path) -> str:
    """Size and time of change of a file, of its log of writes too where it is a database."""
    log = file.with_name(f"{file.name}-wal")
    said = []
    for each in (file, log):
        if each == file or each.exists():
            state = each.stat()
            said += [state.st_size, state.st_mtime_ns, state.st_ino]
    return "-".join(map(str, said))


@contextmanager
def _opened(file: Path, archive: Archive) -> Iterator[BinaryIO]:
    """The content of a file; of a database, one state of it, whoever writes meanwhile."""
    if not is_sqlite(file):
        with file.open("rb") as content:
            yield content
        return
    with archive.part() as (copy, _):
        _copy_database(file, copy)
        with copy.open("rb") as content:
            yield content


def _copy_database(file: Path, copy: Path) -> None:
    deadline = time.monotonic() + _BUSY_WAIT_S

    def not_for_ever(status: int, _remaining: int, _total: int) -> None:
        if status in _BUSY and time.monotonic() > deadline:
            raise BackupError(
                f"{file} has been locked for {_BUSY_WAIT_S:.0f} s; find out who holds it "
                f"(fuser {file}), then take the backup again"
            )

    source = f"file:{quote(str(file))}?mode=ro"
    with (
        closing(sqlite3.connect(source, uri=True)) as read,
        closing(sqlite3.connect(copy)) as written,
    ):
        read.backup(written, progress=not_for_ever)
