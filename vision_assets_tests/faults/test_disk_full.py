"""A disk that fills up in the middle of a write: nothing half, a clear message, and on it goes.

On a small file system in memory, which needs the right to mount.
"""

import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from vision_assets.serving.deployments import Deployments
from vision_assets.vision.atomic import new_file, write_bytes
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.errors import DiskFull
from vision_assets.vision.formats.annotations.coco_folder import CocoFolder
from vision_assets.vision.inference.bundle import Bundle, write_bundle
from vision_assets.vision.inference.service.live_model import LiveModel
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.inference.service.slot import (
    Slot,
    acknowledgements,
    read_slot,
    write_slot,
)
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.faults.disk import Disk, small_disk
from vision_assets_tests.serving.bundles import make_bundle
from vision_assets_tests.vision.made_images import MadeImages, pipeline

SIZE_MB = 16
N_IMAGES = 30


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with small_disk(tmp_path / "disk", SIZE_MB) as made:
        if made is None:
            missing = "no right to mount a small disk; the tests of full disks do not run"
            warnings.warn(missing, stacklevel=1)
            pytest.skip(missing)
        yield made


def _hidden(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.name != ".lock"]


def test_a_file_is_written_whole_or_not_at_all(disk: Disk) -> None:
    write_bytes(disk.folder / "a", b"before")
    disk.fill()
    with pytest.raises(DiskFull, match="free some space, then run it again"):
        write_bytes(disk.folder / "a", bytes(100_000))
    with pytest.raises(DiskFull), new_file(disk.folder / "a") as path:
        path.write_bytes(bytes(100_000))
    assert (disk.folder / "a").read_bytes() == b"before"
    assert _hidden(disk.folder) == []


@pytest.fixture
def landed(tmp_path: Path) -> Path:
    for seed in range(N_IMAGES):
        path = tmp_path / "landing" / ("good", "spot")[seed % 2] / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw_jpeg(seed, side_px=256))
    return tmp_path / "landing"


@pytest.mark.parametrize("room_kb", [0, 8, 64, 200, 400, 520, 560, 600, 640, 700])
def test_an_ingest_takes_each_image_once_after_there_is_room(
    disk: Disk, landed: Path, tmp_path: Path, room_kb: int
) -> None:
    source = {"landing": str(landed), "settle_s": 0}
    spec = PipelineSpec.model_validate({"source": source, "classes": ["good", "spot"]})

    def take() -> None:
        store = ImageStore.open(disk.folder / "store", min_free_bytes=0)
        batches = sweep(landed, store, spec.source, tmp_path / "batches")
        list(ingest_all(store, batches, landed, spec))

    disk.fill(room_kb * 1024)
    with pytest.raises(DiskFull, match="free some space, then run it again"):
        take()
    store = ImageStore.open(disk.folder / "store")
    ids = store.images()["image_id"].tolist()
    assert len(list(store.read(ids))) == len(ids) in (0, N_IMAGES)
    disk.make_room()
    take()
    images = ImageStore.open(disk.folder / "store").images()
    assert sorted(images["source"]) == sorted(
        path.relative_to(landed).as_posix() for path in landed.rglob("*.jpg")
    )
    assert len(ImageStore.open(disk.folder / "store").labels()) == N_IMAGES


@pytest.mark.parametrize("room_kb", [0, 4, 64])
def test_a_json_is_indexed_after_there_is_room(disk: Disk, tmp_path: Path, room_kb: int) -> None:
    images = [{"id": number, "file_name": f"{number}.jpg"} for number in range(3000)]
    (tmp_path / "a.json").write_text(json.dumps({"images": images, "annotations": []}))
    disk.fill(room_kb * 1024)
    folder = CocoFolder(tmp_path, "a.json", disk.folder / "indices")
    with pytest.raises(DiskFull, match="free some space, then run it again"):
        folder.read("7.jpg")
    disk.make_room()
    said = folder.read("7.jpg")
    assert said is not None
    assert (said.objects, said.faults) == ((), ())


@pytest.mark.parametrize("room_kb", [0, 8, 16, 24])
def test_a_version_is_made_after_there_is_room(disk: Disk, room_kb: int) -> None:
    made, versions = MadeImages(), DatasetVersions(disk.folder / "datasets")
    made.add_many(200, "good")
    disk.fill(room_kb * 1024)
    with pytest.raises(DiskFull):
        versions.create(made, pipeline())
    assert (versions.list(), _hidden(disk.folder)) == ([], [])
    disk.make_room()
    assert len(versions.create(made, pipeline()).manifest()) == 200


@pytest.mark.parametrize("room_kb", [0, 8])
def test_a_bundle_is_written_after_there_is_room(disk: Disk, tmp_path: Path, room_kb: int) -> None:
    bundle = Bundle.load(make_bundle(tmp_path / "elsewhere"))
    files = bundle.contents() | {"more": bytes(50_000)}
    disk.fill(room_kb * 1024)
    with pytest.raises(DiskFull):
        write_bundle(disk.folder / "bundles", bundle.card, files)
    disk.make_room()
    assert list(disk.folder.glob("bundles/*")) == _hidden(disk.folder) == []
    assert write_bundle(disk.folder / "bundles", bundle.card, files).contents() == files


@pytest.mark.parametrize("room_kb", [0, 4])
def test_what_cannot_be_deployed_for_want_of_room_never_was(disk: Disk, room_kb: int) -> None:
    log = Deployments(disk.folder / "deployments")
    bundles = [make_bundle(disk.folder / "bundles", gain=gain) for gain in (2.0, 3.0)]

    def deploy(folder: Path) -> None:
        log.deploy(folder.name, folder, f"colours:{folder.name}", "w" * 5000, by="test")

    deploy(bundles[0])
    disk.fill(room_kb * 1024)
    with pytest.raises(DiskFull, match="is full"):
        deploy(bundles[1])
    current, slot = log.current(), read_slot(log.slot_path)
    assert current is not None
    assert slot == current.slot()
    assert current.bundle_id == bundles[0].name
    disk.make_room()
    deploy(bundles[1])
    assert [each.bundle_id for each in log.history()] == [folder.name for folder in bundles]
    assert log.repair() == []


def _live(disk: Disk) -> tuple[LiveModel, list[str]]:
    """A worker that follows a slot of the disk, and the bundles that it can be switched to."""
    folders = [make_bundle(disk.folder / "bundles", gain=gain) for gain in (2.0, 3.0)]
    settings = ServiceSettings(slot_poll_s=0.02)
    live = LiveModel(folders[0], settings, disk.folder / "slot.json", "colours:test")
    return live, [folder.name for folder in folders]


def _acknowledged(disk: Disk) -> list[str]:
    return [each.bundle_id for each in acknowledgements(disk.folder / "slot.json", fresh_s=60)]


def test_a_worker_that_starts_on_a_full_disk_follows_the_slot_later(disk: Disk) -> None:
    live, (baked, _) = _live(disk)
    disk.fill()
    live.start()
    time.sleep(0.1)
    assert _acknowledged(disk) == []
    disk.make_room()
    deadline = time.monotonic() + 20
    while not _acknowledged(disk) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _acknowledged(disk) == [baked]
    live.stop()
    assert _acknowledged(disk) == []


def test_a_switch_on_a_full_disk_is_acknowledged_once_there_is_room(disk: Disk) -> None:
    live, (baked, other) = _live(disk)
    live.look()
    write_slot(
        disk.folder / "slot.json", Slot(sequence=1, bundle_id=other, bundle=f"bundles/{other}")
    )
    disk.fill()
    with pytest.raises(DiskFull):
        live.look()
    assert (live.current.bundle.bundle_id, _acknowledged(disk)) == (other, [baked])
    disk.make_room()
    live.look()
    assert _acknowledged(disk) == [other]
