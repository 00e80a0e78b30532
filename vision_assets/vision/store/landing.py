"""What waits in the landing folder, and the batches in which it is taken.

A batch is an immutable file of paths, sizes and times, named by the hash of its content:
written before anything is ingested, so that a killed process leaves either no batch or one
that is still open.
"""

import hashlib
import json
import os
import re
import stat
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePosixPath

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import LandingUnreadable, StoreError
from vision_assets.vision.spec import BatchSpec, SourceSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landed_file import FileKey, LandedFile
from vision_assets.vision.store.outcomes import FINAL

TAKEN_FOLDER = "taken"
_DONE_FOLDER = "done"
_DAMAGED_FOLDER = "damaged"
_SCHEMA_VERSION = 1
_BATCH_ID = re.compile(r"[0-9a-f]{16}")
# Clocks of cameras and shares run ahead; a time further ahead than this says nothing.
_CLOCK_SKEW_S = 60.0
_path = attrgetter("path")


@dataclass(frozen=True)
class Batch:
    """Files that are ingested together; the list of them stays on disk.

    Attributes:
        batch_id: hash of the content of the batch file.
        folder: of the batch files.
        n_files: how many it names.
    """

    batch_id: str
    folder: Path
    n_files: int

    def files(self) -> tuple[LandedFile, ...]:
        """What it names, sorted by path.

        Raises:
            StoreError: the batch file is gone or was changed.
        """
        return _files_of(self.folder, self.batch_id)


def waiting(
    landing: Path, store: ImageStore, source: SourceSpec, batches: Path, now_s: float
) -> list[LandedFile]:
    """Files that have settled, were not taken, and are in no open batch; sorted by path.

    Raises:
        LandingUnreadable: the landing folder, or one inside it, cannot be listed.
    """
    return waiting_and_open(landing, store, source, batches, now_s)[0]


def waiting_and_open(
    landing: Path, store: ImageStore, source: SourceSpec, batches: Path, now_s: float
) -> tuple[list[LandedFile], list[Batch]]:
    """What `waiting` and `open_batches` give, by one look at each.

    Raises:
        LandingUnreadable: the landing folder, or one inside it, cannot be listed.
    """
    settled = settled_files(landing, source, now_s)
    opened = open_batches(batches, store)
    if settled:
        for batch in opened:
            for file in batch.files():
                settled.pop(file.key, None)
        for key, _ in taken_files(store):
            settled.pop(key, None)
    return sorted(settled.values(), key=_path), opened


def taken_files(store: ImageStore) -> Iterator[tuple[FileKey, str | None]]:
    """Every file that was taken for good, and the reason where it was refused."""
    columns = ["path", "size_bytes", "modified_ns", "status", "reason"]
    for rows in store.ledger.batches(columns):
        values = (rows.column(name).to_pylist() for name in columns)
        for path, size_bytes, modified_ns, status, reason in zip(*values, strict=True):
            if status in FINAL:
                yield (path, size_bytes, modified_ns), reason


def write_batches(
    files: Iterable[LandedFile], spec: BatchSpec, batches: Path, now_s: float
) -> list[Batch]:
    """Write batch files for the oldest files first; a batch that is not full waits.

    Args:
        files: what `waiting` gave.
        spec: bounds of one batch.
        batches: folder of the batch files.
        now_s: seconds since 1970.
    """
    written = []
    for group in _groups(sorted(files, key=lambda file: (file.modified_ns, file.path)), spec):
        full = len(group) >= spec.max_files or _size(group) >= spec.max_bytes
        oldest_s = min(file.modified_ns for file in group) / 1e9
        if full or not now_s - spec.max_wait_s < oldest_s < now_s + _CLOCK_SKEW_S:
            written.append(_write(batches, sorted(group, key=_path)))
    return written


def sweep(landing: Path, store: ImageStore, source: SourceSpec, batches: Path) -> list[Batch]:
    """All that can be taken now: the open batches, and new ones for all settled files.

    Raises:
        LandingUnreadable: the landing folder, or one inside it, cannot be listed.
    """
    now_s = time.time()
    files, opened = waiting_and_open(landing, store, source, batches, now_s)
    at_once = source.batch.model_copy(update={"max_wait_s": 0.0})
    return opened + write_batches(files, at_once, batches, now_s)


def read_batch(batches: Path, batch_id: str) -> Batch:
    """Read a batch file, open or done.

    Raises:
        StoreError: there is none, or it is not what its name says.
    """
    if not _BATCH_ID.fullmatch(batch_id):
        raise StoreError(f"expected a batch id of 16 hexadecimal digits, got {batch_id!r}")
    return Batch(batch_id, batches, len(_files_of(batches, batch_id)))


def open_batches(batches: Path, store: ImageStore) -> list[Batch]:
    """Batches of which the ledger does not hold every path, oldest first.

    The files of the others are put aside to `done/`, so that this stays fast; one that is
    damaged to `damaged/`: what it named waits again. Several processes may look at once.
    """
    paths = _oldest_first(batches)
    found = [batch for path in paths if (batch := _sound(batches, path.stem)) is not None]
    ids = [batch.batch_id for batch in found]
    taken = Counter(store.ledger.lookup("batch_id", ids, ["batch_id"])["batch_id"].to_pylist())
    still_open = []
    for batch in found:
        if taken[batch.batch_id] < batch.n_files:
            still_open.append(batch)
        else:
            _put_aside(batches, batch.batch_id, _DONE_FOLDER)
    return still_open


def settled_files(landing: Path, source: SourceSpec, now_s: float) -> dict[FileKey, LandedFile]:
    """Files of the landing folder that have not changed for `settle_s`, taken or not.

    Raises:
        LandingUnreadable: the landing folder, or one inside it, cannot be listed.
    """
    try:
        root = landing.resolve(strict=True)
        found = _settled(_files_below(root), root, source, now_s)
        return {file.key: file for file in found}
    except OSError as error:
        raise LandingUnreadable(
            f"the landing folder {landing} cannot be listed ({error}); create it, mount it, or "
            "give this user the right to read it"
        ) from error


def _files_of(batches: Path, batch_id: str) -> tuple[LandedFile, ...]:
    path = _batch_path(batches, batch_id)
    if not path.exists():
        path = _batch_path(batches / _DONE_FOLDER, batch_id)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise StoreError(f"there is no batch {batch_id} in {batches}") from None
    if _hash(content) != batch_id:
        raise StoreError(f"{path} was changed after it was written; remove it: its files wait")
    return tuple(LandedFile(*entry) for entry in json.loads(content)["files"])


def _settled(
    entries: Iterable[os.DirEntry[str]], root: Path, source: SourceSpec, now_s: float
) -> Iterator[LandedFile]:
    skipped = len(str(root)) + 1
    for entry in entries:
        path = entry.path[skipped:]
        if path == source.csv or any(PurePosixPath(path).match(glob) for glob in source.ignore):
            continue
        try:
            state = entry.stat()
        except FileNotFoundError:  # gone since it was listed, or a link to nothing
            continue
        if stat.S_ISREG(state.st_mode) and _is_settled(state, source, now_s):
            yield LandedFile(path, state.st_size, state.st_mtime_ns)


def _is_settled(state: os.stat_result, source: SourceSpec, now_s: float) -> bool:
    return all(
        now_s - changed_s >= source.settle_s or changed_s - now_s > _CLOCK_SKEW_S
        for changed_s in (state.st_mtime, state.st_ctime)
    )


def _files_below(root: Path) -> Iterator[os.DirEntry[str]]:
    """Files, without dot files, what was taken, linked folders, and links that lead outside."""
    folders = [str(root)]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.path != str(root / TAKEN_FOLDER):
                        folders.append(entry.path)
                elif not entry.is_symlink() or _leads_inside(entry.path, root):
                    yield entry


def _leads_inside(link: str, root: Path) -> bool:
    return Path(os.path.realpath(link)).is_relative_to(root)


def _groups(files: list[LandedFile], spec: BatchSpec) -> Iterator[list[LandedFile]]:
    group: list[LandedFile] = []
    size_bytes = 0
    for file in files:
        size_bytes += file.size_bytes
        if group and (len(group) >= spec.max_files or size_bytes > spec.max_bytes):
            yield group
            group, size_bytes = [], file.size_bytes
        group.append(file)
    if group:
        yield group


def _size(files: Iterable[LandedFile]) -> int:
    return sum(file.size_bytes for file in files)


def _write(batches: Path, files: list[LandedFile]) -> Batch:
    """Write a batch file; `again` tells it from an earlier one of the same files."""
    again = 0
    while True:
        content = _content(files, again)
        batch_id = _hash(content.encode())
        if not _batch_path(batches / _DONE_FOLDER, batch_id).exists():
            break
        again += 1
    if not _batch_path(batches, batch_id).exists():
        write_text(_batch_path(batches, batch_id), content)
    return Batch(batch_id, batches, len(files))


def _content(files: list[LandedFile], again: int) -> str:
    listed = [[file.path, file.size_bytes, file.modified_ns] for file in files]
    return json.dumps({"schema_version": _SCHEMA_VERSION, "again": again, "files": listed})


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _batch_path(folder: Path, batch_id: str) -> Path:
    return folder / f"{batch_id}.json"


def _oldest_first(batches: Path) -> list[Path]:
    """Batch files that are not put aside."""
    times: dict[Path, int] = {}
    for path in batches.glob("*.json"):
        with suppress(FileNotFoundError):  # put aside by another process since it was listed
            times[path] = path.stat().st_mtime_ns
    return sorted(times, key=lambda path: (times[path], path.name))


def _sound(batches: Path, name: str) -> Batch | None:
    """A batch that can be read; one that cannot is put aside."""
    try:
        return read_batch(batches, name)
    except StoreError:
        _put_aside(batches, name, _DAMAGED_FOLDER)
        return None


def _put_aside(batches: Path, batch_id: str, folder: str) -> None:
    (batches / folder).mkdir(exist_ok=True)
    with suppress(FileNotFoundError):  # another process did
        _batch_path(batches, batch_id).replace(_batch_path(batches / folder, batch_id))
