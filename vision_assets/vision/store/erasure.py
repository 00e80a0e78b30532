"""Removing images for good: their bytes leave the disk, a record of who and why stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from vision_assets.vision.errors import StoreError
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.records import Erasure


@dataclass(frozen=True)
class Removal:
    """What was removed.

    Attributes:
        ids: images whose bytes are gone.
        sources: landed files that held them; copies there are not the store's to delete.
    """

    ids: tuple[str, ...]
    sources: tuple[str, ...]


def remove(store: ImageStore, ids: Sequence[str], author: str, why: str) -> Removal:
    """Erase images: rows, files and old versions that held their bytes, also in quarantine.

    The record comes first: the images are out of sight from then on, and after a crash the
    same call completes the work. An erased image that lands again is not stored again.

    Raises:
        StoreError: an image is neither stored, quarantined nor erased; or bytes are left.
        StoreLocked: another process writes.
    """
    with store.writing():
        ids = list(dict.fromkeys(ids))
        store.erasure_table.add(_records(store, ids, author, why))
        items = store.quarantine_table.lookup("image_id", ids, ["item_id"])["item_id"]
        store.image_table.erase(ids)
        store.quarantine_table.erase(items.to_pylist())
        landed = store.ledger.lookup("image_id", ids, ["path"])["path"].to_pylist()
    return Removal(tuple(ids), tuple(sorted(set(landed))))


def complete(store: ImageStore) -> int:
    """Erase what records say is gone and a table still holds, as after a restore.

    Returns:
        How many images that were.
    """
    gone = store.erased()["image_id"].tolist()
    left = store.image_table.lookup("image_id", gone, ["image_id"])["image_id"].to_pylist()
    left += store.quarantine_table.lookup("image_id", gone, ["image_id"])["image_id"].to_pylist()
    if left:
        remove(store, left, "restore", "erased before")
    return len(set(left))


def _records(store: ImageStore, ids: list[str], author: str, why: str) -> list[Erasure]:
    """One record per image that has none yet."""
    now = datetime.now(UTC)
    stored = store.image_table.lookup("image_id", ids, ["image_id", "size_bytes", "source"])
    refused = store.quarantine_table.lookup("image_id", ids, ["image_id", "source"])
    known = {row["image_id"]: row for row in [*refused.to_pylist(), *stored.to_pylist()]}
    missing = set(ids) - set(known) - set(store.erased()["image_id"])
    if missing:
        raise StoreError(
            f"expected ids of images in {store.root}, got {len(missing)} unknown ones, the first "
            f"is {min(missing)!r}; nothing was removed"
        )
    return [
        Erasure(image_id, author, why, now, row.get("size_bytes", 0), row["source"])
        for image_id, row in known.items()
    ]
