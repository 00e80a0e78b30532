"""What is known while a folder is scored: a SQLite file beside the Parquet file to be.

A run that is killed leaves the journal; the next one goes on from it. It is gone once the
Parquet file is there, whose rows are where the run after that starts from.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from vision_assets.vision.atomic import new_file
from vision_assets.vision.errors import DatasetError

SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("sha256", pa.string()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("scores", pa.map_(pa.string(), pa.float64())),
        ("objects", pa.string()),
        ("defect_score", pa.float64()),
        ("decision", pa.string()),
        ("refused", pa.string()),
        ("detail", pa.string()),
        ("bundle_id", pa.string()),
    ]
)
"""One row per file. `path` is relative to the folder; `objects` are the JSON list of the answer,
of tasks that find any; a refused file has `refused` and `detail` in place of an answer."""
_WITHOUT_OBJECTS = SCHEMA.remove(SCHEMA.get_field_index("objects"))
"""As early releases wrote it."""
Row = dict[str, Any]
_BATCH = 4096
_CREATE = """
create table if not exists rows (path text primary key, sha256 text, row text, seen int);
create table if not exists of_bundle (bundle_id text);
"""
_ADD = "insert or ignore into rows values (?, ?, ?, 0)"
_PUT = "insert or replace into rows values (?, ?, ?, 1)"


class Journal:
    """The rows of one scoring; open it by `Journal.open`."""

    def __init__(self, connection: sqlite3.Connection, bundle_id: str) -> None:
        self._connection = connection
        self._bundle_id = bundle_id

    @classmethod
    @contextmanager
    def open(cls, out: Path, bundle_id: str) -> Iterator[Self]:
        """The journal of a Parquet file, with the rows that the bundle left in both.

        Args:
            out: the Parquet file; rows of another bundle are forgotten.
            bundle_id: who answers now.

        Raises:
            DatasetError: `out` is no Parquet file of such rows.
        """
        out.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(_path(out))
        try:
            journal = cls(connection, bundle_id)
            journal._begin()
            if out.exists():
                journal._take(_rows(out))
            yield journal
        finally:
            connection.close()

    def known_sha256(self, path: str) -> str | None:
        """The hash of the bytes that were answered under this path.

        Returns:
            None where there are none; what was refused is tried again.
        """
        found = self._connection.execute("select sha256 from rows where path = ?", (path,))
        row = found.fetchone()
        return row[0] if row else None

    def put(self, row: Row) -> None:
        """Take in the row of a file that was scored now."""
        self._connection.execute(_PUT, _entry(row))

    def keep(self, path: str) -> None:
        """The row that is there already still holds."""
        self._connection.execute("update rows set seen = 1 where path = ?", (path,))

    def save(self) -> None:
        """What was put so far outlives the process."""
        self._connection.commit()

    def write(self, out: Path) -> int:
        """Write the rows that were put or kept, by path, and remove the journal.

        Returns:
            How many of them are refused files.
        """
        self.save()
        found = self._connection.execute("select row from rows where seen order by path")
        refused = 0
        with new_file(out) as path, pq.ParquetWriter(path, SCHEMA) as writer:
            for texts in _chunks(found):
                rows = [json.loads(text) for text in texts]
                refused += sum(row["refused"] is not None for row in rows)
                writer.write_table(_table(rows))
        self._connection.close()
        _path(out).unlink()
        return refused

    def _begin(self) -> None:
        self._connection.executescript(_CREATE)
        found = self._connection.execute("select bundle_id from of_bundle").fetchone()
        if found != (self._bundle_id,):
            self._connection.execute("delete from rows")
            self._connection.execute("delete from of_bundle")
            self._connection.execute("insert into of_bundle values (?)", (self._bundle_id,))
        self._connection.execute("update rows set seen = 0")
        self.save()

    def _take(self, rows: Iterator[Row]) -> None:
        """Rows of an earlier Parquet file; those of the journal are newer."""
        self._connection.executemany(
            _ADD,
            (_entry(row) for row in rows if row["bundle_id"] == self._bundle_id),
        )
        self.save()


def _entry(row: Row) -> tuple[str, str | None, str]:
    answered_sha256 = row["sha256"] if row["refused"] is None else None
    return row["path"], answered_sha256, json.dumps(row)


def _path(out: Path) -> Path:
    return out.with_name(f".{out.name}.journal")


def _chunks(found: sqlite3.Cursor) -> Iterator[list[str]]:
    while rows := found.fetchmany(_BATCH):
        yield [text for (text,) in rows]


def _table(rows: list[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(row) | {"scores": row["scores"] and list(row["scores"].items())} for row in rows],
        SCHEMA,
    )


def _rows(out: Path) -> Iterator[Row]:
    """The rows of a Parquet file, a batch at a time."""
    try:
        file = pq.ParquetFile(out)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"{out} is no Parquet file ({error}); move it away") from error
    with file:
        if not any(file.schema_arrow.equals(known) for known in (SCHEMA, _WITHOUT_OBJECTS)):
            raise DatasetError(
                f"{out} holds something else than the answers of a bundle; name another --out"
            )
        for batch in file.iter_batches(_BATCH):
            yield from batch.to_pylist(maps_as_pydicts="strict")
