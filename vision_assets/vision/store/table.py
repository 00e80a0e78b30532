"""One append-only table of the store: a Lance data set of one record class.

Writers hold the store's lock; readers need none, they see the version that was complete
when they looked.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from vision_assets.vision.atomic import is_full, sync_folder, synced
from vision_assets.vision.errors import DiskFull, StoreError
from vision_assets.vision.store.opening import (
    files_of_latest_version,
    import_lance,
    open_whole,
    written_at,
)
from vision_assets.vision.store.records import (
    SCHEMA_VERSION,
    SCHEMA_VERSION_KEY,
    schema_of,
    to_arrow,
)
from vision_assets.vision.store.torn import manifests

if TYPE_CHECKING:
    import lance

# Newer formats compress, which images are already: eight times the time to write, for no byte less.
_FILE_FORMAT = "2.0"
_ROWS_PER_SCAN = 4096
_ROWS_PER_FRAGMENT = 4096
_FRAGMENTS_BEFORE_COMPACTION = 64
_BYTES_COLUMN_BATCH = 64
_KEYS_PER_LOOKUP = 1024
_OLD_VERSIONS_KEPT = timedelta(hours=1)
# What is decided of a chunk is written within this time.
_TORN_WITHIN_S = 3600.0


class Table:
    """One table; created by its first append."""

    def __init__(self, folder: Path, record: type, key: str) -> None:
        self._folder = folder
        self._record = record
        self._key = key
        self._schema = schema_of(record)
        self._dataset: lance.LanceDataset | None = None

    def count(self) -> int:
        """Rows, read from the table's own statistics."""
        dataset = self._latest()
        return 0 if dataset is None else dataset.count_rows()

    def scan(self, columns: Sequence[str]) -> pa.Table:
        """All rows, in the order in which they were written; never the bytes."""
        dataset = self._latest()
        if dataset is None:
            return self._empty(columns)
        return dataset.to_table(columns=list(columns))

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows in bounded batches; never the bytes."""
        dataset = self._latest()
        if dataset is not None:
            yield from dataset.to_batches(columns=list(columns), batch_size=_ROWS_PER_SCAN)

    def lookup(self, column: str, values: Sequence[str], columns: Sequence[str]) -> pa.Table:
        """The rows whose `column` is one of `values`."""
        dataset = self._latest() if values else None
        if dataset is None:
            return self._empty(columns)
        found = [
            dataset.to_table(
                columns=list(columns),
                filter=_is_in(column, values[start : start + _KEYS_PER_LOOKUP]),
                batch_size=_BYTES_COLUMN_BATCH if "bytes" in columns else _ROWS_PER_SCAN,
            )
            for start in range(0, len(values), _KEYS_PER_LOOKUP)
        ]
        return pa.concat_tables(found)

    def snapshot(self) -> "lance.LanceDataset | None":
        """A handle on the latest version, which later writes do not move."""
        dataset = self._latest()
        if dataset is None:
            return None
        return import_lance().dataset(str(self._folder), version=dataset.version)

    def append(self, records: Sequence[Any]) -> None:
        """Add records as one commit: visible all together or not at all.

        Raises:
            DiskFull: the disk is full; nothing was added.
        """
        if not records:
            return
        rows = to_arrow(records, self._record)
        with _disk_errors(), synced(self._folder):
            self._write(rows)

    def add(self, records: Sequence[Any]) -> int:
        """Append those records whose key is not there yet; gives how many."""
        keys = [getattr(record, self._key) for record in records]
        known = set(self.lookup(self._key, keys, [self._key])[self._key].to_pylist())
        missing = {
            key: record for key, record in zip(keys, records, strict=True) if key not in known
        }
        self.append(list(missing.values()))
        return len(missing)

    def tidy(self) -> None:
        """Merge small fragments once there are many, and keep lookups by key fast."""
        dataset = self._latest()
        if dataset is None or _small_fragments(dataset) < _FRAGMENTS_BEFORE_COMPACTION:
            return
        with _disk_errors():
            with synced(self._folder):
                self._compact(dataset)
            with synced(self._folder):
                if dataset.list_indices():
                    dataset.optimize.optimize_indices()
                else:
                    dataset.create_scalar_index(self._key, "BTREE")
            dataset.cleanup_old_versions(older_than=_OLD_VERSIONS_KEPT)

    def old_versions(self, older_than: timedelta) -> int:
        """Bytes of files that belong to versions so old alone, and to none that is newer."""
        if not (self._folder / "_versions").is_dir():
            return 0
        latest = set(files_of_latest_version(self._folder))
        before_s = time.time() - older_than.total_seconds()
        states = [path.stat() for path in self._folder.rglob("*.*") if path not in latest]
        return sum(state.st_size for state in states if state.st_mtime < before_s)

    def drop_old_versions(self, older_than: timedelta) -> None:
        """Remove versions that old; a reader that looked later keeps what it looked at."""
        dataset = self._latest()
        if dataset is not None:
            dataset.cleanup_old_versions(older_than=older_than)

    def clear(self, column: str, keys: Sequence[str]) -> None:
        """Empty a column of rows, and delete every file and old version that held it."""
        dataset = self._latest()
        if dataset is None:
            return
        for start in range(0, len(keys), _KEYS_PER_LOOKUP):
            where = _is_in(self._key, keys[start : start + _KEYS_PER_LOOKUP])
            with _disk_errors(), synced(self._folder):
                dataset.update({column: "NULL"}, where=where)
        self._forget_the_past(dataset)

    def erase(self, keys: Sequence[str]) -> None:
        """Delete rows, and every file and old version that held them."""
        dataset = self._latest()
        if dataset is None:
            return
        for start in range(0, len(keys), _KEYS_PER_LOOKUP):
            with _disk_errors(), synced(self._folder):
                dataset.delete(_is_in(self._key, keys[start : start + _KEYS_PER_LOOKUP]))
        self._forget_the_past(dataset)

    def _forget_the_past(self, dataset: "lance.LanceDataset") -> None:
        with _disk_errors():
            with synced(self._folder):
                self._compact(dataset)
            dataset.cleanup_old_versions(older_than=timedelta(0), delete_unverified=True)
        self._check_erased(dataset)

    def mend(self) -> datetime | None:
        """Remove the last version where a power cut has torn it; the store's lock is held.

        Returns:
            None where nothing was torn, else a time that all before it is whole.

        Raises:
            StoreError: more is damaged.
        """
        found = manifests(self._folder)
        if not found or self._is_open_at(found):
            return None
        self._dataset, version = open_whole(self._folder, found)
        torn = found[0][1]
        if version == found[0][0]:
            return None
        whole_s = torn.stat().st_mtime - _TORN_WITHIN_S
        torn.unlink()
        sync_folder(torn.parent)
        return max(datetime.fromtimestamp(whole_s, UTC), written_at(self._dataset))

    def _is_open_at(self, found: list[tuple[int, Path]]) -> bool:
        """Whether the newest version is the one that was seen to be whole."""
        return bool(found) and self._dataset is not None and self._dataset.version == found[0][0]

    def _compact(self, dataset: "lance.LanceDataset") -> None:
        dataset.optimize.compact_files(
            target_rows_per_fragment=_ROWS_PER_FRAGMENT,
            materialize_deletions_threshold=0.0,
            batch_size=_BYTES_COLUMN_BATCH,
            num_threads=1,
            compaction_mode="try_binary_copy",
            binary_copy_read_batch_bytes=1024 * 1024,
        )

    def _check_erased(self, dataset: "lance.LanceDataset") -> None:
        """Only files of the latest version are on disk, and none of them hides deleted rows."""
        fragments = dataset.get_fragments()
        hidden = [fragment for fragment in fragments if fragment.num_deletions]
        used = {Path(file.path).name for part in fragments for file in part.data_files()}
        left = [file for file in (self._folder / "data").glob("*") if file.name not in used]
        if hidden or left:
            raise StoreError(
                f"expected no trace of erased rows in {self._folder}, got {len(hidden)} fragments "
                f"and {len(left)} files that may hold some; run the same command again"
            )

    def _write(self, rows: pa.Table) -> None:
        lance = import_lance()
        dataset = self._latest()
        if dataset is None:
            lance.write_dataset(
                rows, str(self._folder), mode="create", data_storage_version=_FILE_FORMAT
            )
        else:
            self._dataset = lance.write_dataset(rows, dataset, mode="append")

    def _latest(self) -> "lance.LanceDataset | None":
        found = manifests(self._folder)
        while not self._is_open_at(found):
            try:
                self._dataset, _ = open_whole(self._folder, found)
            except (OSError, ValueError, StoreError):
                before, found = found, manifests(self._folder)
                if found == before:
                    raise
            else:
                break
        if self._dataset is not None:
            self._check_schema_version(self._dataset)
        return self._dataset

    def _check_schema_version(self, dataset: "lance.LanceDataset") -> None:
        found = int((dataset.schema.metadata or {}).get(SCHEMA_VERSION_KEY, b"0"))
        if found != SCHEMA_VERSION:
            raise StoreError(
                f"expected schema version {SCHEMA_VERSION} in {self._folder}, got {found}; "
                "use the release of vision_assets that wrote it, or a newer one"
            )

    def _empty(self, columns: Sequence[str]) -> pa.Table:
        return self._schema.empty_table().select(list(columns))


def _small_fragments(dataset: "lance.LanceDataset") -> int:
    """Fragments that compaction would merge."""
    return sum(fragment.physical_rows < _ROWS_PER_FRAGMENT for fragment in dataset.get_fragments())


def _is_in(column: str, values: Sequence[str]) -> str:
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    return f"{column} IN ({quoted})"


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise DiskFull(
                f"the disk is full, nothing of this step was written: free some space, then "
                f"run it again ({error})"
            ) from error
        raise
