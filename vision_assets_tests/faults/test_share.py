"""A landing folder on a share that goes and comes back, with files that change under the reader."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets_tests.drawing import draw_jpeg

TAKES_ALL_THE_TIME = """
import sys, time
from pathlib import Path
from vision_assets.vision.errors import LandingUnreadable
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep

landing, store, batches = map(Path, sys.argv[1:4])
spec = PipelineSpec.model_validate(
    {"source": {"landing": str(landing), "settle_s": 0}, "classes": ["good", "spot"]}
)
while True:
    try:
        opened = ImageStore.open(store)
        found = sweep(landing, opened, spec.source, batches)
        list(ingest_all(opened, found, landing, spec))
    except LandingUnreadable:
        time.sleep(0.01)
"""


class Share:
    """A landing folder that can go and come back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._gone = folder.with_name("unplugged")
        folder.mkdir()

    def go(self) -> None:
        self.folder.rename(self._gone)

    def come_back(self) -> None:
        self._gone.rename(self.folder)

    def put(self, name: str, data: bytes) -> None:
        """As a camera does: whole, under its name."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.with_name(f".{path.name}").write_bytes(data)
        path.with_name(f".{path.name}").replace(path)


@pytest.fixture
def share(tmp_path: Path) -> Share:
    return Share(tmp_path / "share")


@pytest.fixture
def take(share: Share, tmp_path: Path) -> Callable[[], Counter[str]]:
    """Sweeps the share; how many files had which outcome."""
    source = {"landing": str(share.folder), "settle_s": 0}
    spec = PipelineSpec.model_validate({"source": source, "classes": ["good", "spot"]})

    def run() -> Counter[str]:
        store = ImageStore.open(tmp_path / "store")
        batches = sweep(share.folder, store, spec.source, tmp_path / "batches")
        results = ingest_all(store, batches, share.folder, spec)
        return Counter(outcome.status.value for each in results for outcome in each.outcomes)

    return run


def test_a_share_that_is_gone_is_told_and_taken_when_it_is_back(
    share: Share, take: Callable[[], Counter[str]]
) -> None:
    share.put("good/a.jpg", draw_jpeg(0))
    share.go()
    with pytest.raises(LandingUnreadable, match="mount it"):
        take()
    share.come_back()
    assert take() == {"accepted": 1}


def test_a_share_that_goes_between_listing_and_reading_is_taken_when_it_is_back(
    share: Share, take: Callable[[], Counter[str]], tmp_path: Path
) -> None:
    share.put("good/a.jpg", draw_jpeg(0))
    store = ImageStore.open(tmp_path / "store")
    spec = PipelineSpec.model_validate({"source": {"landing": "l", "settle_s": 0}})
    (batch,) = sweep(share.folder, store, spec.source, tmp_path / "batches")
    share.go()
    share.folder.mkdir()  # what is left of a share is often an empty folder
    (result,) = ingest_all(store, [batch], share.folder, spec)
    assert result.counts == {"vanished": 1}
    share.folder.rmdir()
    share.come_back()
    assert take() == {"accepted": 1}


def test_an_empty_mount_point_loses_nothing(
    share: Share, take: Callable[[], Counter[str]], tmp_path: Path
) -> None:
    share.put("good/a.jpg", draw_jpeg(0))
    assert take() == {"accepted": 1}
    share.go()
    share.folder.mkdir()
    assert take() == {}
    assert len(ImageStore.open(tmp_path / "store").images()) == 1


def test_another_picture_under_the_same_name_is_another_image(
    share: Share, take: Callable[[], Counter[str]], tmp_path: Path
) -> None:
    for seed in range(3):
        share.put("good/a.jpg", draw_jpeg(seed))
        assert take() == {"accepted": 1}
    assert ImageStore.open(tmp_path / "store").images()["source"].tolist() == ["good/a.jpg"] * 3


@pytest.fixture
def taker(share: Share, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that takes what is in the share, again and again."""
    folders = map(str, (share.folder, tmp_path / "store", tmp_path / "batches"))
    with subprocess.Popen([sys.executable, "-c", TAKES_ALL_THE_TIME, *folders]) as process:
        yield process
        process.kill()


@pytest.mark.faults
def test_what_comes_and_goes_and_changes_is_taken_once(
    share: Share, tmp_path: Path, taker: subprocess.Popen[bytes]
) -> None:
    chance, last = random.Random(7), {"good/first.jpg": draw_jpeg(1000)}
    share.put("good/first.jpg", last["good/first.jpg"])
    _wait(lambda: taker.poll() is None and _sources(tmp_path) >= last.keys(), "the first file")
    for number in range(300):
        name = f"{chance.choice(['good', 'spot'])}/{chance.randrange(40)}.jpg"
        last[name] = draw_jpeg(number, side_px=128)
        share.put(name, last[name])
        _disturb(share, chance, name, last[name])
    _wait(lambda: taker.poll() is None and _sources(tmp_path) >= last.keys(), "the last files")
    store = ImageStore.open(tmp_path / "store")
    assert store.images()["image_id"].is_unique
    stored = dict(store.read(store.images()["image_id"].tolist()))
    assert {_pixels(data) for data in last.values()} <= {_pixels(d) for d in stored.values()}
    assert not store.quarantine()["reason"].isin(["not_an_image"]).any()


def _disturb(share: Share, chance: random.Random, name: str, data: bytes) -> None:
    """Unplug the share for a moment, or let a file shrink and grow in its place."""
    what = chance.random()
    if what < 0.15:
        share.go()
        time.sleep(0.02)
        share.come_back()
    elif what < 0.3:
        os.truncate(share.folder / name, len(data) // 3)
        share.put(name, data)
    time.sleep(0.01)


def _pixels(data: bytes) -> bytes:
    from vision_assets.vision.inference.decode import decode

    return decode(data).tobytes()


def _sources(tmp_path: Path) -> set[str]:
    """Paths below the share whose file, as it is now, is in the ledger."""
    store = ImageStore.open(tmp_path / "store")
    rows = store.ledger.scan(["path", "modified_ns", "status"]).to_pylist()
    taken = {(row["path"], row["modified_ns"]) for row in rows if row["status"] != "changed"}
    root = tmp_path / "share"
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.jpg")
        if (path.relative_to(root).as_posix(), path.stat().st_mtime_ns) in taken
    }


def _wait(until: Callable[[], bool], what: str, deadline_s: float = 200) -> None:
    deadline = time.monotonic() + deadline_s
    while not until():
        assert time.monotonic() < deadline, f"{what} did not come within {deadline_s} s"
        time.sleep(0.3)
