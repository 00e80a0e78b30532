"""Bytes of the quarantine that are kept no longer: they go, the item and its story stay."""

from collections.abc import Sequence
from datetime import UTC, datetime

from vision_assets.vision.errors import StoreError
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.records import Discard

_ITEMS_AT_ONCE = 16


def discardable(
    store: ImageStore, settled_before: datetime | None, open_before: datetime | None
) -> dict[str, int]:
    """Items whose bytes were kept long enough, and how many bytes that are.

    Args:
        store: which holds them.
        settled_before: those that a person decided on before; None: none of these.
        open_before: those that came before and that nobody has decided on; None: none of these.
    """
    items = store.quarantine()
    settled = store.settlement_table.scan(["item_id", "time"]).to_pandas()
    decided = items["item_id"].map(settled.set_index("item_id")["time"])
    due = _before(decided, settled_before) | (
        ~items["settled"] & _before(items["time"], open_before)
    )
    ids = items.loc[due & items["bytes_gone"].isna(), "item_id"].tolist()
    sizes = {}
    for start in range(0, len(ids), _ITEMS_AT_ONCE):
        some = ids[start : start + _ITEMS_AT_ONCE]
        rows = store.quarantine_table.lookup("item_id", some, ["item_id", "bytes"]).to_pylist()
        sizes |= {row["item_id"]: len(row["bytes"]) for row in rows if row["bytes"]}
    return sizes


def discard(store: ImageStore, sizes: dict[str, int], why: str) -> None:
    """Drop the bytes of items; the record comes first, and a killed call is completed by the next.

    Raises:
        StoreLocked: another process writes.
    """
    now = datetime.now(UTC)
    with store.writing():
        store.discard_table.add([Discard(item, now, why, size) for item, size in sizes.items()])
        store.quarantine_table.clear("bytes", _recorded(store))


def left_behind(store: ImageStore) -> bool:
    """Whether a killed `discard` has left bytes that the record says are gone."""
    rows = store.quarantine_table.lookup("item_id", _recorded(store), ["item_id", "bytes"])
    return rows["bytes"].null_count < rows.num_rows


def dropped_undecided(store: ImageStore) -> frozenset[str]:
    """Items whose bytes were dropped and that nobody has decided on."""
    dropped = _recorded(store)
    settled = store.settlement_table.lookup("item_id", dropped, ["item_id"])
    return frozenset(dropped).difference(settled["item_id"].to_pylist())


def refuse_discarded(store: ImageStore, item_id: str) -> None:
    """Refuse to take an item whose bytes are gone.

    Raises:
        StoreError: they are.
    """
    found = store.discard_table.lookup("item_id", [item_id], ["time", "why"]).to_pylist()
    if found:
        raise StoreError(
            f"the bytes of item {item_id} were dropped on {found[0]['time']:%Y-%m-%d} "
            f"({found[0]['why']}); dismiss it, or let the file land again"
        )


def _recorded(store: ImageStore) -> Sequence[str]:
    return store.discard_table.scan(["item_id"])["item_id"].to_pylist()


def _before(times, moment: datetime | None):
    return times.notna() & False if moment is None else times < moment
