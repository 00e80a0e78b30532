"""A COCO JSON as an index on disk: built as a stream once, used while the file is unchanged."""

import hashlib
import json
import os
import sqlite3
import stat
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import ijson

from vision_assets.vision.confined import confined, open_below
from vision_assets.vision.errors import DiskFull, StoreError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.formats.annotations.coco import read_object
from vision_assets.vision.formats.annotations.file_text import Unusable, reading
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject

MAX_BYTES = 16 * 1024**3
_ROWS_PER_INSERT = 5000
_TABLES = """
CREATE TABLE images (image_id TEXT, name TEXT, width INTEGER, height INTEGER);
CREATE TABLE categories (category_id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE objects (image_id TEXT, object_id TEXT, category_id TEXT, said TEXT);
"""
_INDICES = """
CREATE INDEX images_by_name ON images (name);
CREATE INDEX images_by_id ON images (image_id);
CREATE INDEX objects_by_image ON objects (image_id);
CREATE INDEX objects_by_id ON objects (object_id);
"""
_OBJECTS = """
SELECT o.rowid, o.said, c.name, o.object_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM objects e WHERE e.object_id = o.object_id AND e.rowid < o.rowid)
FROM objects o LEFT JOIN categories c ON c.category_id = o.category_id
WHERE o.image_id = ? ORDER BY o.rowid
"""
_ERRORS = (
    *(ijson.JSONError, ValueError, OverflowError, RecursionError),
    *(sqlite3.DataError, sqlite3.IntegrityError),
)
"""What reading a JSON raises that is no COCO; trouble with a disk is none of it."""
_LOCK_WAIT_S = 3600.0


class CocoIndex:
    """What one JSON says, by the names of images.

    Args:
        landing: folder that all paths are below.
        file: the JSON.
        folder: of indices.

    Raises:
        Unusable: it is no COCO JSON, is not there, or lies elsewhere; later objects of a file that
            is cut off are not known.
        LandingUnreadable: it cannot be read now.
        DiskFull: the disk has no room for the index.
        StoreError: the index cannot be written, or another process builds one for an hour.
    """

    def __init__(self, landing: Path, file: str, folder: Path) -> None:
        self.file = file
        self._database = sqlite3.connect(_built(landing, file, folder), check_same_thread=False)

    def find(self, name: str) -> Said | None:
        """What is said of the image of a name, as the JSON has it; None where it has none."""
        rows = self._database.execute(
            "SELECT image_id, width, height FROM images WHERE name = ? ORDER BY rowid", (name,)
        ).fetchall()
        if not rows:
            return None
        image_id, width, height = rows[0]
        faults = [_twice(self.file, name)] if len(rows) > 1 else []
        objects: list[SaidObject] = []
        for index, text, label, again in self._database.execute(_OBJECTS, (image_id,)):
            try:
                read = read_object(json.loads(text), label, index)
                objects.append(read if not again else _marked(read))
            except ValueError as error:
                faults.append(Fault(Kind.BAD_OBJECT, self.file, str(error), index))
        size = (width, height) if width and height else None
        return Said(self.file, tuple(objects), size, faults=tuple(faults))

    def has(self, name: str) -> bool:
        """Whether the JSON has an image of a name."""
        found = self._database.execute("SELECT 1 FROM images WHERE name = ? LIMIT 1", (name,))
        return found.fetchone() is not None

    def names(self) -> Iterator[str]:
        """Of all images."""
        yield from (name for (name,) in self._database.execute("SELECT name FROM images"))

    def strays(self) -> Iterator[tuple[int, str]]:
        """Objects of images that the file does not have: their index, and the image's id."""
        yield from self._database.execute(
            "SELECT rowid, image_id FROM objects o WHERE NOT EXISTS "
            "(SELECT 1 FROM images i WHERE i.image_id = o.image_id) ORDER BY rowid"
        )


def _built(landing: Path, file: str, folder: Path) -> Path:
    """The index of a file; an older one of it, or one that a killed process left, goes."""
    with reading(landing, file):
        path = confined(landing, file)
        state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise Unusable(Kind.DAMAGED, "expected a file, got a folder or a pipe")
    if state.st_size > MAX_BYTES:
        raise Unusable(Kind.TOO_LARGE, f"expected at most {MAX_BYTES} bytes")
    name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    index = folder / f"{name}-{state.st_size}-{state.st_mtime_ns}.sqlite"
    if not index.exists():
        with file_lock(folder / "lock", _LOCK_WAIT_S):
            if not index.exists():
                for old in folder.glob(f"{name}-*"):
                    old.unlink()
                _write(landing, file, index)
    return index


def _write(landing: Path, file: str, index: Path) -> None:
    """Build the index beside its place, so that it is there whole or not at all."""
    unfinished = index.with_name(f"{index.name}.unfinished")
    try:
        _build(landing, file, unfinished)
        unfinished.replace(index)
    except _ERRORS as error:
        raise Unusable(Kind.DAMAGED, f"expected a whole COCO JSON: {error}"[:500]) from error
    except sqlite3.OperationalError as error:
        raise _unwritten(index, error) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _unwritten(index: Path, error: sqlite3.OperationalError) -> StoreError:
    if error.sqlite_errorcode == sqlite3.SQLITE_FULL:
        return DiskFull(
            f"the disk of {index.parent} is full, nothing was taken without its annotations: free "
            "some space, then run it again"
        )
    return StoreError(
        f"the index {index} cannot be written ({error}); look at its disk, its quota and its "
        "permissions, then run it again"
    )


def _build(landing: Path, file: str, index: Path) -> None:
    with closing(sqlite3.connect(index)) as database:
        database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _TABLES)
        for key, (statement, row) in _LISTS.items():
            rows = map(row, _items(landing, file, key))
            while chunk := list(islice(rows, _ROWS_PER_INSERT)):
                database.executemany(statement, chunk)
        database.executescript(_INDICES)
        database.commit()


def _items(landing: Path, file: str, key: str) -> Iterator[dict[str, Any]]:
    """Entries of one of the lists of a file; a pass each, as they come in any order."""
    with reading(landing, file), os.fdopen(open_below(landing, file), "rb") as opened:
        for item in ijson.items(opened, f"{key}.item", use_float=True):
            if not isinstance(item, dict):
                raise ValueError(f"expected objects in {key!r}, got {str(item)[:50]!r}")
            yield item


def _category(said: dict[str, Any]) -> tuple[str, str]:
    name = said.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"expected categories with names, got {name!r}")
    return _id(said.get("id"), "category"), unicodedata.normalize("NFC", name.strip())


def _image(said: dict[str, Any]) -> tuple[str, str, int | None, int | None]:
    name = said.get("file_name")
    if not isinstance(name, str) or not name:
        raise ValueError(f"expected images with file_name, got {name!r}")
    sides = [said.get(side) for side in ("width", "height")]
    width, height = (
        side if isinstance(side, int) and 0 < side < 1 << 31 else None for side in sides
    )
    return _id(said.get("id"), "image"), name.replace("\\", "/").removeprefix("./"), width, height


def _object(said: dict[str, Any]) -> tuple[str, str | None, str, str]:
    object_id = None if said.get("id") is None else str(said["id"])
    kept = {name: said[name] for name in ("bbox", "segmentation", "iscrowd") if name in said}
    image_id, category_id = str(said.get("image_id")), str(said.get("category_id"))
    return image_id, object_id, category_id, json.dumps(kept)


def _id(said: Any, what: str) -> str:
    if not isinstance(said, int | str):
        raise ValueError(f"expected the id of {what} to be a number, got {str(said)[:50]!r}")
    return str(said)


_LISTS: dict[str, tuple[str, Callable[[dict[str, Any]], tuple[Any, ...]]]] = {
    "categories": ("INSERT INTO categories VALUES (?, ?)", _category),
    "images": ("INSERT INTO images VALUES (?, ?, ?, ?)", _image),
    "annotations": ("INSERT INTO objects VALUES (?, ?, ?, ?)", _object),
}
"""How each list of a file is kept."""


def _twice(file: str, name: str) -> Fault:
    detail = f"expected the image {name!r} once, got it again; the first one holds"
    return Fault(Kind.DUPLICATE_ID, file, detail)


def _marked(said: SaidObject) -> SaidObject:
    return replace(said, marks=(*said.marks, Kind.DUPLICATE_ID))
