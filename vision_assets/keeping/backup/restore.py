"""From a backup to files again: checked by their hashes, all of them or none."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from vision_assets.keeping.backup.archive import CHUNK_BYTES, Archive, Backup, Entry
from vision_assets.keeping.backup.backup import KEEPING_LOCK
from vision_assets.keeping.only_one import UP_LOCK
from vision_assets.vision.atomic import sync_folder, sync_tree
from vision_assets.vision.disk import LOST_AND_FOUND
from vision_assets.vision.errors import BackupError

_EMPTY = (KEEPING_LOCK, UP_LOCK, LOST_AND_FOUND)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        backup: what was restored.
        home: where to.
        moved_aside: where the home lies that was there before; None where there was none.
        defs: YAML files that were written.
    """

    backup: Backup
    home: Path
    moved_aside: Path | None
    defs: tuple[str, ...]


def verify(archive: Archive, backup: Backup, on_progress: Progress) -> list[str]:
    """Read every content of a backup again.

    Returns:
        What is missing or damaged, a line each; empty when all is well.
    """
    wrong = []
    for done, entry in enumerate(backup.entries, start=1):
        try:
            _copy(archive, entry, None)
        except BackupError as error:
            wrong.append(str(error))
        on_progress(done, len(backup.entries))
    return wrong


def restore(
    archive: Archive,
    name: str,
    home: Path,
    defs: Path | None = None,
    replace: bool = False,
    on_progress: Progress = lambda done, total: None,
) -> Restored:
    """Write a home from a backup; it appears whole or not at all.

    Where the home is a mount point, which cannot be renamed, its entries appear one by one.

    Args:
        archive: the backups.
        name: of the backup, or `latest`.
        home: where to; it does not exist, or is empty.
        defs: folder for the YAML files of the use cases; those that are there stay.
        replace: move a home that is there aside.
        on_progress: called with the number of files done and of all files.

    Raises:
        BackupError: the backup is damaged, or the home is not empty; nothing was changed.
    """
    backup = archive.read(name)
    if _holds_something(home) and not replace:
        raise BackupError(
            f"expected an empty home, got {home}, which holds something; restore into another "
            "folder (--into), or add --replace: it is moved aside, not deleted"
        )
    entries = {kind: [e for e in backup.entries if _kind(e) == kind] for kind in ("home", "defs")}
    with _beside(home) as folder:
        for done, entry in enumerate(entries["home"], start=1):
            _copy(archive, entry, _target(folder, entry.path))
            on_progress(done, len(backup.entries))
        for path in backup.folders:
            _target(folder, path).mkdir(parents=True, exist_ok=True)
        written = _write_defs(archive, entries["defs"], defs)
        aside = _put(folder, home)
    return Restored(backup, home, aside, written)


def _holds_something(home: Path) -> bool:
    return home.exists() and bool(_held(home))


def _held(home: Path) -> list[Path]:
    return [path for path in sorted(home.iterdir()) if path.name not in _EMPTY]


@contextmanager
def _beside(home: Path) -> Iterator[Path]:
    """A hidden folder on the same disk; gone when the block ends with an error."""
    home.parent.mkdir(parents=True, exist_ok=True)
    on_its_disk = home if os.path.ismount(home) else home.parent
    folder = Path(tempfile.mkdtemp(prefix=f".{home.name}-restoring-", dir=on_its_disk))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(folder: Path, home: Path) -> Path | None:
    """Make the folder the home; gives where an earlier one was moved to."""
    folder.chmod(0o755)
    sync_tree(folder)
    before = f"before-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}"
    if os.path.ismount(home):
        return _put_into(folder, home, home / f".{before}")
    aside = None
    if _holds_something(home):
        aside = home.with_name(f"{home.name}-{before}")
        home.rename(aside)
    elif home.exists():
        shutil.rmtree(home)
    folder.rename(home)
    sync_folder(home.parent)
    return aside


def _put_into(folder: Path, home: Path, aside: Path) -> Path | None:
    """The same entry by entry, in a home that is a mount point."""
    earlier = [path for path in _held(home) if path != folder]
    if earlier:
        aside.mkdir()
    for path in earlier:
        path.rename(aside / path.name)
    for path in sorted(folder.iterdir()):
        path.rename(home / path.name)
    sync_folder(home)
    return aside if earlier else None


def _write_defs(archive: Archive, entries: Iterable[Entry], defs: Path | None) -> tuple[str, ...]:
    if defs is None:
        return ()
    missing = [(entry, _target(defs, entry.path)) for entry in entries]
    missing = [(entry, target) for entry, target in missing if not target.exists()]
    for entry, target in missing:
        _copy(archive, entry, target)
    return tuple(str(target) for _, target in missing)


def _kind(entry: Entry) -> str:
    return PurePosixPath(entry.path).parts[0]


def _target(folder: Path, path: str) -> Path:
    """Where a file goes; a path that leads outside is refused.

    Raises:
        BackupError: it does.
    """
    below = PurePosixPath(path).parts[1:]
    if not below or ".." in below or path.startswith("/"):
        raise BackupError(f"expected a path inside the home, got {path!r}; nothing was done")
    return folder.joinpath(*below)


def _copy(archive: Archive, entry: Entry, target: Path | None) -> None:
    """Read a content, hold it against its hash, and write it where somebody wants it."""
    digest = hashlib.sha256()
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            archive.content(entry.sha256).open("rb") as source,
            (target or Path(os.devnull)).open("wb") as file,
        ):
            while chunk := source.read(CHUNK_BYTES):
                digest.update(chunk)
                file.write(chunk)
    except FileNotFoundError:
        raise BackupError(f"{entry.path}: its content {entry.sha256} is missing") from None
    if digest.hexdigest() != entry.sha256:
        raise BackupError(f"{entry.path}: its content {entry.sha256} is damaged")
    if target is not None:
        target.chmod(entry.mode)
        os.utime(target, ns=(entry.modified_ns, entry.modified_ns))
