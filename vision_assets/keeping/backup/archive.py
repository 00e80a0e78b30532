"""An archive: a folder that holds backups, each content once.

    <archive>/
      archive.json            what this folder is, and its schema version
      content/<2 digits>/     every content once, named by its SHA-256
      backups/<name>.json     one backup: its files with their hashes; written last
      lock                    held by the one writer

A backup without its file in `backups/` never happened; the contents that it left are used by
the next one. The folder is readable by its owner alone: it holds what the home holds.
"""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from vision_assets.vision.atomic import is_full, sync_folder, write_text
from vision_assets.vision.errors import BackupError, DiskFull
from vision_assets.vision.file_lock import file_lock

SCHEMA_VERSION = 1
CHUNK_BYTES = 1024 * 1024
COPY_BYTES = 64 * 1024 * 1024
_LOCK_WAIT_S = 10.0
_TIME_FORMAT = "%Y-%m-%dT%H%M%SZ"
_NAME = re.compile(r"\d{4,}-[\dTZ-]+")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One file of a backup.

    Attributes:
        path: where it belongs: `home/...` or `defs/...`.
        sha256: of its content.
        size_bytes: of its content.
        modified_ns: time of its last change.
        mode: its rights.
        stamp: tells whether the file has changed since, without reading it.
    """

    path: str
    sha256: str
    size_bytes: int
    modified_ns: int
    mode: int
    stamp: str


@dataclass(frozen=True)
class Backup:
    """One backup, as its file says.

    Attributes:
        name: of its file: a number, and when it was taken, UTC.
        home: where the home was.
        left_out: what was not taken, and why, in words.
        folders: landing folders of the home, which are made again, empty.
    """

    name: str
    home: str
    entries: tuple[Entry, ...]
    left_out: dict[str, str]
    folders: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """Of all its files."""
        return sum(entry.size_bytes for entry in self.entries)


class Archive:
    """The backups in one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the archive's lock; the folder is made where there is none.

        Raises:
            BackupError: the folder holds something else.
            StoreLocked: another backup is being taken.
        """
        self._check_is_ours_or_empty()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with file_lock(self.root / "lock", _LOCK_WAIT_S):
            if not self._about.exists():
                write_text(self._about, json.dumps({"schema_version": SCHEMA_VERSION}))
            for left_by_a_kill in self.root.glob("content/.part-*"):
                left_by_a_kill.unlink()
            with self._disk_errors():
                yield

    def names(self) -> list[str]:
        """Names of the backups, oldest first.

        Raises:
            BackupError: the folder is no archive, or one of a newer release.
        """
        self._check_version()
        found = (path.stem for path in (self.root / "backups").glob("*.json"))
        return sorted(filter(_NAME.fullmatch, found), key=lambda name: int(name.partition("-")[0]))

    def read(self, name: str = "latest") -> Backup:
        """A backup by its name.

        Raises:
            BackupError: there is none of that name, or its file is damaged.
        """
        names = self.names()
        found = names[-1:] if name == "latest" else [each for each in names if each == name]
        if not found:
            raise BackupError(
                f"expected a backup in {self.root}, or `latest`, got {name!r}; there are: "
                f"{', '.join(names) or 'none'}"
            )
        return _read(self.root / "backups" / f"{found[0]}.json")

    def latest(self) -> Backup | None:
        """The newest backup; None before the first."""
        return self.read() if self._about.exists() and self.names() else None

    def publish(self, backup: Backup) -> None:
        """Write the file that makes it a backup; its contents are all there, and on disk."""
        said = {"schema_version": SCHEMA_VERSION} | asdict(backup)
        content = self.root / "content"
        for folder in (*content.glob("[0-9a-f]" * 2), content):
            sync_folder(folder)
        text = json.dumps(said)
        said = {"sha256": hashlib.sha256(text.encode()).hexdigest(), "backup": text}
        write_text(self.root / "backups" / f"{backup.name}.json", json.dumps(said))

    def new_name(self) -> str:
        """A number, which grows whatever the clock says, and the time."""
        last = self.names()[-1:]
        number = 1 + (int(last[0].partition("-")[0]) if last else 0)
        return f"{number:04d}-{datetime.now(UTC):{_TIME_FORMAT}}"

    def holds(self, sha256: str, size_bytes: int) -> bool:
        """Whether the content is there in its full length."""
        path = self.content(sha256)
        return path.exists() and path.stat().st_size == size_bytes

    def put(self, source: BinaryIO) -> tuple[str, int, bool]:
        """Take the content of a file; its hash is that of what was written.

        Returns:
            Its SHA-256, its bytes, and whether it was not there yet.
        """
        with self.part() as (part, file):
            size_bytes = _copy(source, file)
            target = self.content(hashlib.file_digest(file, "sha256").hexdigest())
            is_new = not self.holds(target.name, size_bytes)
            if is_new:
                os.fsync(file.fileno())
                target.parent.mkdir(exist_ok=True, mode=0o700)
                part.replace(target)
        return target.name, size_bytes, is_new

    def content(self, sha256: str) -> Path:
        """Where a content lies.

        Raises:
            BackupError: that is no hash, as in a file that somebody wrote by hand.
        """
        if not _HASH.fullmatch(sha256):
            raise BackupError(f"expected a SHA-256 in {self.root}, got {sha256!r}")
        return self.root / "content" / sha256[:2] / sha256

    @contextmanager
    def part(self) -> Iterator[tuple[Path, FileIO]]:
        """A new file beside the contents, which is removed unless it was renamed."""
        folder = self.root / "content"
        folder.mkdir(exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(prefix=".part-", dir=folder)
        try:
            with os.fdopen(descriptor, "w+b", buffering=0) as file:
                yield Path(name), file
        finally:
            Path(name).unlink(missing_ok=True)

    @contextmanager
    def _disk_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not is_full(error):
                raise
            raise DiskFull(
                f"the disk of {self.root} is full, this backup does not count: free some space "
                "and take it again; what was copied is not copied twice"
            ) from error

    @property
    def _about(self) -> Path:
        return self.root / "archive.json"

    def _check_is_ours_or_empty(self) -> None:
        if self._about.exists():
            self._check_version()
        elif self.root.exists() and any(path.name != "lock" for path in self.root.iterdir()):
            raise BackupError(
                f"expected an empty folder or one with backups, got {self.root}, which holds "
                "something else; name another folder"
            )

    def _check_version(self) -> None:
        try:
            found = json.loads(self._about.read_text())["schema_version"]
        except (OSError, ValueError, KeyError) as error:
            raise BackupError(
                f"{self.root} holds no backups ({error}); name the folder that "
                "`vision-assets backup` wrote"
            ) from error
        if found != SCHEMA_VERSION:
            raise BackupError(
                f"expected backups of schema version {SCHEMA_VERSION} in {self.root}, got "
                f"{found}; use the release of vision_assets that wrote them"
            )


def _copy(source: BinaryIO, target: FileIO) -> int:
    """Copy a file to its end, within the kernel; the target is at its start again."""
    size_bytes = 0
    while n := os.sendfile(target.fileno(), source.fileno(), size_bytes, COPY_BYTES):
        size_bytes += n
    target.seek(0)
    return size_bytes


def _read(path: Path) -> Backup:
    try:
        outer = json.loads(path.read_text())
        if hashlib.sha256(outer["backup"].encode()).hexdigest() != outer["sha256"]:
            raise ValueError("its content is not what its hash says")
        said: dict[str, Any] = json.loads(outer["backup"])
        entries = tuple(Entry(**entry) for entry in said["entries"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{path} is damaged ({error}); use another backup") from error
    return Backup(said["name"], said["home"], entries, said["left_out"], tuple(said["folders"]))
