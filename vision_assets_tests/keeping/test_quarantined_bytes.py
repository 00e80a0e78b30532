"""Bytes of refused images: when they go, and what stays of them."""

import dagster as dg
import pytest

from vision_assets.home import Home
from vision_assets.keeping.housekeeping.housekeeping import carry_out, plan
from vision_assets.vision.errors import StoreError
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.people import resolve
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.keeping.conftest import Fill
from vision_assets_tests.keeping.plans import case_with, names


def test_bytes_of_the_quarantine_go_after_the_decision_and_their_story_stays(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance, fill: Fill
) -> None:
    for name in ("a", "b"):
        path = home.landing("landing/parts") / "good" / f"{name}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(f"no image at all, secret {name}".encode())
    store = fill(3)
    first, second = store.quarantine()["item_id"]
    resolve(store, first, "dismiss", parts.spec, "someone")
    case = case_with(parts, quarantine_days=1)
    assert names(plan(home, [case], dagster), "quarantined bytes") == set()
    _settled_long_ago(store)
    carry_out(home, plan(home, [case], dagster).items)
    items = store.quarantine().set_index("item_id")
    assert items["bytes_gone"].notna().to_dict() == {first: True, second: False}
    assert items.loc[first, "detail"]
    kept = store.quarantine_bytes([first, second])
    assert kept[first] == b""
    assert kept[second].endswith(b"secret b")
    on_disk = b"".join(path.read_bytes() for path in store.root.rglob("*.lance") if path.is_file())
    assert on_disk.count(b"secret") == 1
    assert plan(home, [case], dagster).items == ()


def _settled_long_ago(store: ImageStore) -> None:
    from datetime import UTC, datetime, timedelta

    from vision_assets.vision.store.records import Settlement

    (row,) = store.settlement_table.scan(list(Settlement.__dataclass_fields__)).to_pylist()
    with store.writing():
        store.settlement_table.erase([row["item_id"]])
        then = datetime.now(UTC) - timedelta(days=9)
        store.settlement_table.append([Settlement(**row | {"time": then})])


def test_an_item_whose_bytes_are_gone_cannot_be_accepted(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance, fill: Fill
) -> None:
    _land_no_image(home)
    store = fill(1)
    _drop_open_bytes(store)
    with pytest.raises(StoreError, match="were dropped"):
        resolve(store, store.quarantine()["item_id"][0], "accept", parts.spec, "someone")


def test_a_file_that_lands_again_after_its_bytes_were_dropped_is_a_new_item(
    home: Home, fill: Fill
) -> None:
    for _ in range(3):
        _land_no_image(home)
        store = fill(1)
        newest = store.quarantine()["item_id"].iloc[-1]
        assert store.quarantine_bytes([newest]) == {newest: b"no image"}
        _drop_open_bytes(store)
    assert store.quarantine()["item_id"].nunique() == 3


def test_a_file_that_was_dismissed_stays_so_after_its_bytes_were_dropped(
    home: Home, parts: UseCase, fill: Fill
) -> None:
    _land_no_image(home)
    store = fill(1)
    _drop_open_bytes(store)
    resolve(store, store.quarantine()["item_id"][0], "dismiss", parts.spec, "someone")
    _land_no_image(home)
    assert fill(1).quarantine()["settled"].tolist() == [True]


def _land_no_image(home: Home) -> None:
    path = home.landing("landing/parts") / "good" / "a.jpg"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no image")


def _drop_open_bytes(store: ImageStore) -> None:
    from datetime import UTC, datetime

    from vision_assets.vision.store.discarding import discard, discardable

    discard(store, discardable(store, None, datetime.now(UTC)), "kept long enough")
