"""What was said to be done is there after a power cut; on a real disk that loses what it must.

A file system in a file, which needs the right to mount.
"""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.keeping.backup.archive import Archive
from vision_assets.keeping.backup.backup import take_backup
from vision_assets.keeping.backup.restore import restore, verify
from vision_assets.serving.bento import build_bento, find_bento
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.atomic import sync_folder, write_bytes
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.service.slot import read_slot
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg
from vision_assets_tests.faults.disk import JournalledDisk, journalled_disk
from vision_assets_tests.serving.bundles import make_bundle
from vision_assets_tests.vision.made_images import MadeImages, pipeline


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[JournalledDisk]:
    """The disk of the home."""
    with journalled_disk(tmp_path / "home", size_mb=100) as made:
        if made is None:
            missing = "no right to mount a disk; the tests of power cuts do not run"
            warnings.warn(missing, stacklevel=1)
            pytest.skip(missing)
        yield made


def _cut(disk: JournalledDisk) -> None:
    disk.lose_power()
    disk.regain_power()


def test_the_disk_keeps_what_was_synced_and_loses_the_rest(disk: JournalledDisk) -> None:
    kept, lost = disk.folder / "kept", disk.folder / "lost"
    lost.write_bytes(b"not synced")
    with kept.open("wb") as file:
        file.write(b"synced")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(disk.folder)
    disk.lose_power()
    with pytest.raises(OSError, match="Input/output error"):
        (disk.folder / "late").write_bytes(b"after the cut")
    disk.regain_power()
    assert kept.read_bytes() == b"synced"
    assert not lost.exists() or lost.read_bytes() == b""
    assert not (disk.folder / "late").exists()


def test_a_file_that_was_renamed_unsynced_is_empty(disk: JournalledDisk) -> None:
    (disk.folder / "new").write_bytes(b"not synced")
    (disk.folder / "new").rename(disk.folder / "name")
    sync_folder(disk.folder)
    _cut(disk)
    assert (disk.folder / "name").read_bytes() == b""


def test_room_that_was_made_is_there_after_the_cut(disk: JournalledDisk) -> None:
    disk.fill()
    with pytest.raises(OSError, match="No space left"):
        (disk.folder / "more").write_bytes(bytes(100_000))
    disk.make_room()
    _cut(disk)
    (disk.folder / "more").write_bytes(bytes(100_000))


def test_a_file_is_there_once_it_is_written(disk: JournalledDisk) -> None:
    write_bytes(disk.folder / "folder" / "it", b"all of it")
    _cut(disk)
    assert (disk.folder / "folder" / "it").read_bytes() == b"all of it"


def test_images_are_there_once_they_are_taken(disk: JournalledDisk, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    for seed in range(6):
        path = landing / ("good", "spot")[seed % 2] / f"{seed}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(draw_jpeg(seed))
    source = {"landing": str(landing), "settle_s": 0}
    spec = PipelineSpec.model_validate({"source": source, "classes": ["good", "spot"]})
    store = ImageStore.open(disk.folder / "store", min_free_bytes=0)
    batches = sweep(landing, store, spec.source, disk.folder / "batches")
    list(ingest_all(store, batches, landing, spec))
    del store
    _cut(disk)
    store = ImageStore.open(disk.folder / "store")
    found = {data for _, data in store.read(store.images()["image_id"].tolist())}
    assert found == {path.read_bytes() for path in landing.rglob("*.jpg")}
    assert len(store.labels()) == store.ledger.count() == 6


def test_a_version_is_there_once_it_is_made(disk: JournalledDisk) -> None:
    made = MadeImages()
    made.add_many(40, "good")
    DatasetVersions(disk.folder / "datasets").create(made, pipeline())
    _cut(disk)
    (version,) = DatasetVersions(disk.folder / "datasets").list()
    assert len(version.manifest()) == 40


def test_a_bundle_is_there_once_it_is_deployed(disk: JournalledDisk) -> None:
    folder = make_bundle(disk.folder / "bundles")
    contents = Bundle.load(folder).contents()
    log = Deployments(disk.folder / "deployments")
    log.deploy(folder.name, folder, "colours:1", "why", "by")
    _cut(disk)
    current = log.current()
    assert current is not None
    assert read_slot(log.slot_path) == current.slot()
    assert Bundle.load(folder).contents() == contents


def test_a_bento_is_there_once_it_is_built(disk: JournalledDisk, parts: UseCase) -> None:
    home = Home(disk.folder)
    bundle = make_bundle(home.bundles("parts"), use_case="parts")
    built = build_bento(home, parts, bundle)
    files = {path: path.read_bytes() for path in built.folder.rglob("*") if path.is_file()}
    write_bytes(disk.folder / "what speaks of it", b"")
    _cut(disk)
    assert {path: path.read_bytes() for path in files if path.exists()} == files
    assert find_bento(home, built.tag) == built


def test_a_backup_is_there_once_it_is_taken(disk: JournalledDisk, tmp_path: Path) -> None:
    home, archive = _small_home(tmp_path), Archive(disk.folder / "archive")
    take_backup(home, tmp_path / "defs", archive.root)
    _cut(disk)
    (name,) = archive.names()
    assert verify(archive, archive.read(name), lambda done, total: None) == []


def test_a_home_is_there_once_it_is_restored(disk: JournalledDisk, tmp_path: Path) -> None:
    home, archive = _small_home(tmp_path), Archive(tmp_path / "archive")
    take_backup(home, tmp_path / "defs", archive.root)
    restore(archive, "latest", disk.folder / "restored")
    _cut(disk)
    assert (disk.folder / "restored/models/parts/it").read_bytes() == b"weights"


def _small_home(folder: Path) -> Path:
    model = folder / "small/models/parts/it"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"weights")
    return folder / "small"


def test_a_run_of_dagster_is_there_once_it_is_known(disk: JournalledDisk, parts: UseCase) -> None:
    with instance(Home(disk.folder)) as dagster:
        run = dagster.add_run(dg.DagsterRun(job_name="it", run_config={}))
        dagster.report_run_failed(run, "it failed")
        disk.lose_power()
    disk.regain_power()
    with instance(Home(disk.folder)) as dagster:
        found = dagster.get_run_by_id(run.run_id)
    assert found is not None
    assert found.is_failure
