"""A power cut tears the last write of a table: nothing else is lost, and what was lost waits."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.vision.errors import StoreError
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.torn import manifests
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.vision.store.conftest import Take

TABLES = ("images", "annotations", "ledger", "classes")
TEARS: dict[str, Callable[[int], int]] = {"in half": lambda size: size // 2, "whole": lambda _: 0}


def _newest(folder: Path) -> Path:
    return max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)


def _tear(store: ImageStore, table: str, what: str, left: Callable[[int], int]) -> None:
    folder = store.root / f"{table}.lance"
    file = manifests(folder)[0][1] if what == "manifest" else _newest(folder / "data")
    os.truncate(file, left(file.stat().st_size))


def _fill_with_zeros(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.fixture
def taken(take: Take, store: ImageStore) -> ImageStore:
    """Two images, in two batches; opened by a process of later."""
    take({"good/a.jpg": draw_jpeg(0)})
    take({"scratch/b.jpg": draw_jpeg(1)})
    return ImageStore.open(store.root)


@pytest.fixture
def take_later(store: ImageStore, take_into: Callable[[ImageStore], Take]) -> Take:
    """As a process takes files that starts after the power cut."""
    return lambda files=None: take_into(ImageStore.open(store.root))(files)


@pytest.mark.parametrize("tear", TEARS)
@pytest.mark.parametrize("what", ["manifest", "data"])
@pytest.mark.parametrize("table", TABLES)
def test_the_next_batch_takes_again_what_was_torn(
    taken: ImageStore, take_later: Take, table: str, what: str, tear: str
) -> None:
    _tear(taken, table, what, TEARS[tear])
    take_later({"spot/c.jpg": draw_jpeg(2)})
    take_later()
    store = ImageStore.open(taken.root)
    assert sorted(store.labels()["label"]) == ["good", "scratch", "spot"]
    assert sorted(store.images()["source"]) == ["good/a.jpg", "scratch/b.jpg", "spot/c.jpg"]
    assert len(list(store.read(store.images()["image_id"].tolist()))) == 3
    assert store.images()["image_id"].is_unique


@pytest.mark.parametrize("what", ["manifest", "data"])
def test_who_reads_sees_what_was_before(taken: ImageStore, what: str) -> None:
    _tear(taken, "images", what, TEARS["in half"])
    assert ImageStore.open(taken.root).images()["source"].tolist() == ["good/a.jpg"]


def test_a_reader_that_is_open_goes_on(taken: ImageStore, take: Take) -> None:
    assert len(taken.images()) == 2
    take({"spot/c.jpg": draw_jpeg(2)})
    _tear(taken, "images", "manifest", TEARS["in half"])
    assert len(taken.images()) == 2


def test_zeros_are_no_table(taken: ImageStore) -> None:
    _fill_with_zeros(manifests(taken.root / "images.lance")[0][1])
    assert len(ImageStore.open(taken.root).images()) == 1


def test_the_very_first_write_may_be_torn(take: Take, take_later: Take, store: ImageStore) -> None:
    take({"good/a.jpg": draw_jpeg(0)})
    _tear(store, "images", "manifest", TEARS["whole"])
    assert len(ImageStore.open(store.root).images()) == 0
    take_later({"spot/c.jpg": draw_jpeg(2)})
    take_later()
    assert len(ImageStore.open(store.root).images()) == 2


def test_more_damage_than_a_power_cut_makes_is_refused_and_touches_nothing(
    taken: ImageStore, take_later: Take
) -> None:
    versions = manifests(taken.root / "images.lance")
    for _, path in versions:
        os.truncate(path, 10)
    with pytest.raises(StoreError, match="restore the use case's store from a backup"):
        ImageStore.open(taken.root).images()
    with pytest.raises(StoreError, match=r"images\.lance"):
        take_later({"spot/c.jpg": draw_jpeg(2)})
    assert manifests(taken.root / "images.lance") == versions


def test_what_is_written_is_on_disk_before_the_ledger_speaks_of_it(
    take: Take, store: ImageStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    take({"good/a.jpg": draw_jpeg(0)})
    tables = [Path(path).relative_to(store.root).parts[0] for path in synced if ".lance/" in path]
    assert {"images.lance", "annotations.lance"} < set(tables[: tables.index("ledger.lance")])
    whole = {Path(path).suffix for path in synced if "/images.lance" in path}
    assert {".manifest", ".lance"} <= whole
