"""The image store of one use case: what is read from it, and the one way to write.

<root>/
  store.json          id and schema version
  lock                write lock
  images.lance        accepted images with their bytes
  annotations.lance   append-only events; the current label is a view
  proposals.lance     what models propose, and what people made of it; no annotations
  faults.lance        what was wrong with annotations, and what was done about it
  quarantine.lance    refused items with their original bytes
  settlements.lance   what people decided of them
  discards.lance      items whose bytes were dropped once they were kept long enough
  ledger.lance        what each batch did with each path
  classes.lance       class ids and the names that they had
  erasures.lance      images whose bytes were removed for good
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from vision_assets.vision.errors import DiskFull, StoreError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.manifest import STORE_COLUMNS, TEXT
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.store import identity
from vision_assets.vision.store.class_record import classes_in_force
from vision_assets.vision.store.records import (
    KINDS,
    Annotation,
    AnnotationFault,
    ClassEntry,
    Discard,
    Erasure,
    ImageRecord,
    LedgerEntry,
    Refusal,
    Settlement,
)
from vision_assets.vision.store.table import Table

MIN_FREE_BYTES = 256 * 1024 * 1024
LOCK_WAIT_S = 10.0
_READ_ROWS = 64
_READ_BYTES = 32 * 1024 * 1024
_IMAGE_COLUMNS = [*STORE_COLUMNS, "given_split", "attributes"]
_ANNOTATION_COLUMNS = [
    *("event_id", "image_id", "kind", "class_id", "label", "geometry", "supersedes")
]
_EVENT_COLUMNS = ["event_id", "author", "source"]
_QUARANTINE_COLUMNS = [
    name for name in Refusal.__dataclass_fields__ if name not in ("bytes", "attributes")
]


class ImageStore:
    """Images, annotations and quarantine of one use case.

    Reading takes no lock. All tables are public: reading them is safe; write through
    `writing` alone, which holds the lock.
    """

    def __init__(self, root: Path, lock_wait_s: float, min_free_bytes: int) -> None:
        self.root = root
        self._lock_wait_s = lock_wait_s
        self._min_free_bytes = min_free_bytes
        self.image_table = Table(root / "images.lance", ImageRecord, "image_id")
        self.annotation_table = Table(root / "annotations.lance", Annotation, "event_id")
        self.proposal_table = Table(root / "proposals.lance", Annotation, "event_id")
        self.fault_table = Table(root / "faults.lance", AnnotationFault, "fault_id")
        self.quarantine_table = Table(root / "quarantine.lance", Refusal, "item_id")
        self.settlement_table = Table(root / "settlements.lance", Settlement, "item_id")
        self.discard_table = Table(root / "discards.lance", Discard, "item_id")
        self.ledger = Table(root / "ledger.lance", LedgerEntry, "entry_id")
        self.class_table = Table(root / "classes.lance", ClassEntry, "entry_id")
        self.erasure_table = Table(root / "erasures.lance", Erasure, "image_id")

        self._tables = (
            *(self.image_table, self.annotation_table, self.quarantine_table, self.ledger),
            *(self.settlement_table, self.class_table, self.erasure_table),
            *(self.proposal_table, self.fault_table, self.discard_table),
        )

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        lock_wait_s: float = LOCK_WAIT_S,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> "ImageStore":
        """Open a store; nothing is created until the first write.

        Args:
            root: its folder.
            lock_wait_s: how long a writer waits for another one.
            min_free_bytes: disk space below which nothing is written.
        """
        return cls(root, lock_wait_s, min_free_bytes)

    def images(self, ids: Sequence[str] | None = None) -> pd.DataFrame:
        """What is known of the images, one row each; erased ones are out.

        Returns:
            STORE_COLUMNS, `given_split`, and one text column per attribute; no bytes.
        """
        if ids is None:
            found = self.image_table.scan(_IMAGE_COLUMNS)
        else:
            found = self.image_table.lookup("image_id", list(ids), _IMAGE_COLUMNS)
        frame = _to_frame(found.drop_columns("attributes")).astype(
            STORE_COLUMNS | {"given_split": TEXT}
        )
        frame = frame.join(_attributes(found["attributes"]))
        gone = frame["image_id"].isin(self.erased()["image_id"])
        return frame[~gone].reset_index(drop=True) if gone.any() else frame

    def labels(self) -> pd.DataFrame:
        """The current annotation of every labelled image.

        Returns:
            `image_id`, `class_id`, `label`, and `objects`, as `vision.objects` writes them,
            missing where nobody said which there are.
        """
        return _current_labels(self.annotation_table.scan(_ANNOTATION_COLUMNS))

    def labels_of(self, ids: Sequence[str]) -> pd.DataFrame:
        """`labels` of some images, and the `event_id`, `author` and `source` that say so."""
        columns = [*_ANNOTATION_COLUMNS, "author", "source"]
        return _current_labels(
            self.annotation_table.lookup("image_id", ids, columns), keep_event=True
        )

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Images as stored, in the order asked, in bounded batches.

        Raises:
            StoreError: an image is not in the store, or was erased.
        """
        dataset = self.image_table.snapshot()
        ids = list(ids)
        if dataset is None:
            self._refuse_missing(ids)
            return
        rows = dataset.to_table(columns=["image_id", "size_bytes"])
        positions = pd.Index(rows["image_id"].to_pandas()).get_indexer(pd.Index(ids))
        self._refuse_missing([key for key, at in zip(ids, positions, strict=True) if at < 0])
        sizes = rows["size_bytes"].to_numpy()[positions]
        for start, stop in _bounded(sizes):
            taken = dataset.take(positions[start:stop].tolist(), columns=["bytes"])["bytes"]
            for image_id, data in zip(ids[start:stop], taken, strict=True):
                yield image_id, data.as_py()

    def classes(self, declared: tuple[ClassSpec, ...] = ()) -> tuple[ClassSpec, ...]:
        """The declared classes, or those learned so far; ids never change.

        Raises:
            SpecError: a declared name is stored under another id.
        """
        return classes_in_force(self.class_record(), declared)

    def class_record(self) -> list[tuple[int, str]]:
        """Ids of classes and the names that they had, oldest first."""
        record = self.class_table.scan(["class_id", "name"])
        return list(zip(*(record[name].to_pylist() for name in record.column_names), strict=True))

    def quarantine(self) -> pd.DataFrame:
        """What was refused, oldest first, without bytes.

        Returns:
            item_id, image_id, reason, detail, label, given_split, source, batch_id, time,
            settled (bool), decision (missing while open), bytes_gone (when its bytes were dropped).
        """
        frame = self.quarantine_table.scan(_QUARANTINE_COLUMNS).to_pandas()
        settled = self.settlement_table.scan(["item_id", "decision"]).to_pandas()
        frame = frame.merge(settled, on="item_id", how="left").sort_values("time", kind="stable")
        gone = self.discard_table.scan(["item_id", "time"]).to_pandas().set_index("item_id")["time"]
        frame = frame.assign(
            settled=frame["decision"].notna(), bytes_gone=frame["item_id"].map(gone)
        )
        return frame.reset_index(drop=True)

    def quarantine_bytes(self, item_ids: Sequence[str]) -> dict[str, bytes]:
        """The bytes of items of the quarantine: the original ones, or those of the stored image.

        Empty where a file held none, or more than is kept.
        """
        rows = self.quarantine_table.lookup("item_id", item_ids, ["item_id", "image_id", "bytes"])
        kept = {row["item_id"]: row["bytes"] for row in rows.to_pylist()}
        elsewhere = {
            row["item_id"]: row["image_id"] for row in rows.to_pylist() if row["bytes"] is None
        }
        stored = self.images(sorted(set(elsewhere.values())))["image_id"].tolist()
        images = dict(self.read(stored))
        return {item: data or images.get(elsewhere[item], b"") for item, data in kept.items()}

    def erased(self) -> pd.DataFrame:
        """Images whose bytes were removed: image_id, author, why, time, size_bytes, source."""
        return self.erasure_table.scan(list(Erasure.__dataclass_fields__)).to_pandas()

    def token(self) -> str:
        """Changes if and only if the images or their annotations change; costs no scan."""
        counts = (
            table.count() for table in (self.image_table, self.annotation_table, self.erasure_table)
        )
        return "-".join([identity.store_id(self.root), *map(str, counts)])

    @contextmanager
    def writing(self, n_bytes: int = 0) -> Iterator[None]:
        """Hold the write lock, on a disk with room for `n_bytes`.

        Raises:
            StoreLocked: another process writes; the message says which.
            DiskFull: less than `min_free_bytes` would be left.
        """
        with file_lock(self.root / "lock", self._lock_wait_s):
            self._check_disk(n_bytes)
            identity.ensure(self.root)
            self._mend()
            yield

    def old_versions(self, older_than: timedelta) -> int:
        """Bytes of versions of tables that only readers from so long ago could still read."""
        return sum(table.old_versions(older_than) for table in self._tables)

    def drop_old_versions(self, older_than: timedelta) -> None:
        """Merge small pieces, and remove what only such readers could read."""
        with self.writing():
            for table in self._tables:
                table.tidy()
                table.drop_old_versions(older_than)

    def tidy(self) -> None:
        """Merge what many small writes left in pieces; content and token stay."""
        with self.writing():
            for table in self._tables:
                table.tidy()

    def _mend(self) -> None:
        """Remove what a power cut has torn; the files that were written then wait again.

        The ledger is written last, and synced like all others: where it outlived what it speaks
        of, its latest entries are taken back.
        """
        others = (table for table in self._tables if table is not self.ledger)
        times = [time for table in others if (time := table.mend()) is not None]
        self.ledger.mend()
        if times:
            entries = self.ledger.scan(["entry_id", "time"]).to_pylist()
            lost = [entry["entry_id"] for entry in entries if entry["time"] >= min(times)]
            self.ledger.erase(lost)

    def _check_disk(self, n_bytes: int) -> None:
        free = shutil.disk_usage(self.root).free
        if free - n_bytes < self._min_free_bytes:
            raise DiskFull(
                f"expected at least {self._min_free_bytes + n_bytes} bytes free at {self.root}, "
                f"got {free}; nothing was written: free some space, then run it again"
            )

    def _refuse_missing(self, ids: list[str]) -> None:
        if not ids:
            return
        erased = self.erased().set_index("image_id")
        known = [image_id for image_id in ids if image_id in erased.index]
        if known:
            entry = erased.loc[known[0]]
            raise StoreError(
                f"{len(known)} of the images were erased, the first is {known[0]}: by "
                f"{entry['author']}, {entry['time']:%Y-%m-%d}, {entry['why']!r}; leave them out"
            )
        raise StoreError(
            f"expected images of the store {self.root}, got {len(ids)} that it does not hold, "
            f"the first is {ids[0]}"
        )


def _current_labels(events: pa.Table, keep_event: bool = False) -> pd.DataFrame:
    frame = _to_frame(events)
    superseded = frame["event_id"].isin(frame["supersedes"].dropna())
    frame = frame[frame["kind"].isin(KINDS) & ~superseded].rename(columns={"geometry": "objects"})
    earlier = frame["image_id"].astype(object).duplicated(keep="last")
    frame = frame[~earlier & frame["class_id"].notna()]
    columns = ["image_id", "class_id", "label", "objects", *(_EVENT_COLUMNS if keep_event else [])]
    return frame[columns].astype({"class_id": "Int64"}).reset_index(drop=True)


def _to_frame(table: pa.Table) -> pd.DataFrame:
    """Texts stay in Arrow, which is quicker than a Python object each."""
    text = pd.StringDtype("pyarrow")
    return table.to_pandas(types_mapper={pa.string(): text, pa.large_string(): text}.get)


def _attributes(texts: pa.ChunkedArray) -> pd.DataFrame:
    """One text column per key of the JSON objects; each distinct object is read once."""
    encoded = texts.combine_chunks().dictionary_encode()
    distinct = pd.DataFrame([json.loads(text) for text in encoded.dictionary.to_pylist()])
    return distinct.astype(TEXT).take(encoded.indices.to_numpy()).reset_index(drop=True)


def _bounded(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Consecutive ranges of at most _READ_ROWS rows and, beyond one row, _READ_BYTES bytes."""
    start, total = 0, 0
    for stop, size in enumerate(sizes):
        if stop > start and (stop - start >= _READ_ROWS or total + size > _READ_BYTES):
            yield start, stop
            start, total = stop, 0
        total += int(size)
    if start < len(sizes):
        yield start, len(sizes)
