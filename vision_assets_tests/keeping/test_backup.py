"""Backups of a home at work, and homes restored from them."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from vision_assets.cli import app
from vision_assets.home import Home
from vision_assets.keeping.backup import backup
from vision_assets.keeping.backup.archive import Archive, Entry
from vision_assets.keeping.backup.backup import Taken, take_backup
from vision_assets.keeping.backup.restore import restore, verify
from vision_assets.keeping.only_one import only_one
from vision_assets.vision.disk import LOST_AND_FOUND
from vision_assets.vision.errors import BackupError, DiskFull
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.erasure import complete, remove
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import CLASSES, draw_jpeg
from vision_assets_tests.faults.disk import small_disk
from vision_assets_tests.keeping.conftest import Fill
from vision_assets_tests.vision.store.test_kill import INGEST

N_WHILE_INGESTING = 900


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def take(home: Home, archive: Archive, with_landing: bool = False) -> Taken:
    return take_backup(home.root, home.root.parent / "defs", archive.root, with_landing)


def restored(archive: Archive, home: Home) -> Home:
    target = Home(home.root.with_name("restored"))
    restore(archive, "latest", target.root)
    return target


def test_a_restored_store_holds_what_the_store_held(
    fill: Fill, home: Home, archive: Archive
) -> None:
    store = fill(6)
    take(home, archive)
    again = ImageStore.open(restored(archive, home).store("parts"))
    ids = store.images()["image_id"].tolist()
    pd.testing.assert_frame_equal(again.labels(), store.labels())
    assert dict(again.read(ids)) == dict(store.read(ids))
    assert again.token() == store.token()


def test_a_restored_store_takes_more_images(
    fill: Fill, home: Home, archive: Archive, parts: UseCase
) -> None:
    fill(6)
    take(home, archive)
    again = restored(archive, home)
    (home.landing("landing/parts") / "good" / "new.jpg").write_bytes(draw_jpeg(999))
    ingest_the_rest(again, home, parts)
    assert len(ImageStore.open(again.store("parts")).images()) == 7


def test_a_second_backup_copies_what_is_new(fill: Fill, home: Home, archive: Archive) -> None:
    fill(6)
    first, nothing = take(home, archive), take(home, archive)
    fill(3)
    third = take(home, archive)
    assert first.new_bytes > 0
    assert nothing.new_files == nothing.new_bytes == 0
    assert nothing.backup.entries == first.backup.entries
    assert 0 < third.new_bytes < third.backup.size_bytes / 2


def test_an_empty_landing_folder_is_there_again(fill: Fill, home: Home, archive: Archive) -> None:
    fill(3)
    take(home, archive)
    landing = restored(archive, home).landing("landing/parts")
    assert landing.is_dir()
    assert not list(landing.iterdir())


def test_what_can_be_made_again_is_left_out(fill: Fill, home: Home, archive: Archive) -> None:
    fill(3)
    for name in ("cache/pixels/x", "logs/x.log", "environments/x/bin/python", "lost+found/#1"):
        (home.root / name).parent.mkdir(parents=True)
        (home.root / name).write_text("x")
    without, with_it = take(home, archive), take(home, archive, with_landing=True)
    tops = {entry.path.split("/")[1] for entry in without.backup.entries}
    assert tops == {"parts", "stores", "batches"}
    assert set(without.backup.left_out) >= {"cache", "logs", "environments", "landing"}
    assert len(with_it.backup.entries) == len(without.backup.entries) + 3


def test_a_database_is_one_state_of_it_while_another_one_is_written(
    home: Home, archive: Archive
) -> None:
    home.mlflow.mkdir(parents=True)
    with closing(sqlite3.connect(home.mlflow / "mlflow.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE t (x)")
        writer.execute("INSERT INTO t VALUES (1)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO t VALUES (2)")
        take(home, archive)
        writer.execute("COMMIT")
        with_both = take(home, archive)
    with closing(sqlite3.connect(restored(archive, home).mlflow / "mlflow.db")) as found:
        assert found.execute("SELECT x FROM t").fetchall() == [(1,), (2,)]
    first = archive.read(archive.names()[0])
    assert first.entries != with_both.backup.entries
    restore(archive, first.name, home.root.with_name("first"))
    with closing(sqlite3.connect(home.root.with_name("first") / "mlflow" / "mlflow.db")) as found:
        assert found.execute("SELECT x FROM t").fetchall() == [(1,)]


def test_a_database_that_stays_locked_ends_the_backup(
    fill: Fill, home: Home, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(3)
    monkeypatch.setattr(backup, "_BUSY_WAIT_S", 0.5)
    home.mlflow.mkdir()
    with closing(sqlite3.connect(home.mlflow / "mlflow.db")) as locked:
        locked.execute("CREATE TABLE it (x)")
        locked.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BackupError, match=r"mlflow\.db has been locked"):
            take(home, archive)
    assert take(home, archive).new_files > 0


def test_half_a_backup_is_none(fill: Fill, home: Home, archive: Archive) -> None:
    fill(3)

    def die(done: int, total: int) -> None:
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_backup(home.root, home.root.parent / "defs", archive.root, on_progress=die)
    assert archive.names() == []
    again = take(home, archive)
    assert 0 < again.new_files < len(again.backup.entries)
    assert verify(archive, again.backup, lambda done, total: None) == []


@pytest.mark.parametrize("cause", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_or_a_quota_without_room_is_told(archive: Archive, cause: int) -> None:
    with pytest.raises(DiskFull, match="take it again"), archive.writing():
        raise OSError(cause, os.strerror(cause))


def test_a_damaged_content_is_found_and_not_restored(
    fill: Fill, home: Home, archive: Archive, tmp_path: Path
) -> None:
    fill(3)
    entry = next(e for e in take(home, archive).backup.entries if e.path.endswith(".lance"))
    content = archive.content(entry.sha256)
    content.write_bytes(b"x" * entry.size_bytes)
    (said,) = verify(archive, archive.read(), lambda done, total: None)
    assert entry.path in said
    with pytest.raises(BackupError, match="damaged"):
        restore(archive, "latest", tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
    assert not list(tmp_path.glob(".restored*"))


def test_a_damaged_list_of_files_is_found(fill: Fill, home: Home, archive: Archive) -> None:
    fill(3)
    name = take(home, archive).backup.name
    path = archive.root / "backups" / f"{name}.json"
    path.write_text(path.read_text().replace("stores", "other"))
    with pytest.raises(BackupError, match="damaged"):
        archive.read()


def test_a_home_that_is_there_stays_unless_it_is_to_be_replaced(
    fill: Fill, home: Home, archive: Archive
) -> None:
    fill(3)
    take(home, archive)
    fill(3)
    with pytest.raises(BackupError, match="--replace"):
        restore(archive, "latest", home.root)
    aside = restore(archive, "latest", home.root, replace=True).moved_aside
    assert aside is not None
    assert len(ImageStore.open(home.store("parts")).images()) == 3
    assert len(ImageStore.open(Home(aside).store("parts")).images()) == 6


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Home]:
    """A home that is a disk of its own, with what ext4 makes on it."""
    with small_disk(tmp_path / "mounted", size_mb=50) as disk:
        if disk is None:
            pytest.skip("a small disk cannot be mounted here")
        (disk.folder / LOST_AND_FOUND).mkdir()
        yield Home(disk.folder)


def test_a_home_that_is_a_mount_point_is_restored_and_replaced_in_place(
    fill: Fill, home: Home, archive: Archive, mounted: Home
) -> None:
    fill(3)
    take(home, archive)
    restore(archive, "latest", mounted.root)
    fill(3)
    take(home, archive)
    with pytest.raises(BackupError, match="--replace"):
        restore(archive, "latest", mounted.root)
    aside = restore(archive, "latest", mounted.root, replace=True).moved_aside
    assert aside is not None
    assert aside.parent == mounted.root
    assert len(ImageStore.open(mounted.store("parts")).images()) == 6
    assert len(ImageStore.open(Home(aside).store("parts")).images()) == 3
    assert not list(mounted.root.glob(".*-restoring-*"))
    assert (mounted.root / LOST_AND_FOUND).is_dir()


def test_a_home_is_not_replaced_under_its_servers(fill: Fill, home: Home, archive: Archive) -> None:
    fill(3)
    take(home, archive)
    command = ["restore", str(archive.root), "--replace"]
    with only_one(home.root):
        refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1
    assert "run already" in refused.stderr
    assert not list(home.root.parent.glob("home-before-*"))
    assert CliRunner().invoke(app, command).exit_code == 0
    assert list(home.root.parent.glob("home-before-*"))


def test_the_yaml_of_use_cases_is_restored_where_there_is_none(
    fill: Fill, home: Home, archive: Archive, tmp_path: Path, project: Path
) -> None:
    fill(3)
    take(home, archive)
    said = restore(archive, "latest", tmp_path / "a", defs=tmp_path / "defs2").defs
    assert Path(said[0]).read_text() == (project / "parts" / "defs.yaml").read_text()
    assert restore(archive, "latest", tmp_path / "b", defs=tmp_path / "defs2").defs == ()


@pytest.mark.parametrize("path", ["home/../../x", "/etc/x", "home"])
def test_a_path_that_leads_outside_is_refused(
    fill: Fill, home: Home, archive: Archive, tmp_path: Path, path: str
) -> None:
    fill(3)
    backup = take(home, archive).backup
    entries: tuple[Entry, ...] = (replace(backup.entries[-1], path=path),)
    with archive.writing():
        archive.publish(replace(backup, name="9999-2026-11-21T000000Z", entries=entries))
    if path.startswith("home"):
        with pytest.raises(BackupError, match="inside the home"):
            restore(archive, "latest", tmp_path / "restored")
    else:
        assert restore(archive, "latest", tmp_path / "restored").defs == ()
    assert not Path("/etc/x").exists()


def test_a_folder_with_other_things_takes_no_backup(fill: Fill, home: Home, tmp_path: Path) -> None:
    fill(3)
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_text("x")
    with pytest.raises(BackupError, match="something else"):
        take(home, Archive(tmp_path / "pictures"))
    with pytest.raises(BackupError, match="outside the home"):
        take(home, Archive(home.root / "backups"))


def test_what_was_erased_during_a_backup_is_erased_by_the_restore(
    fill: Fill, home: Home, archive: Archive
) -> None:
    """The record is copied after the images."""
    store = fill(6)
    gone = store.images()["image_id"][0]
    take(home, archive)
    remove(store, [gone], "someone", "privacy")
    records = {e.path: e for e in take(home, archive).backup.entries if "erasures" in e.path}
    first = archive.read(archive.names()[0])
    kept = [entry for entry in first.entries if entry.path not in records]
    with archive.writing():
        archive.publish(
            replace(first, name="9999-2026-11-21T000000Z", entries=(*kept, *records.values()))
        )
    again = ImageStore.open(restored(archive, home).store("parts"))
    assert complete(again) == 1
    assert again.image_table.count() == 5
    assert complete(again) == 0


@pytest.mark.slow
def test_backups_taken_during_an_ingest_are_each_consistent(
    home: Home, archive: Archive, parts: UseCase
) -> None:
    landing = home.landing("landing/parts")
    for index in range(N_WHILE_INGESTING):
        path = landing / CLASSES[index % 3] / f"{index}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(draw_jpeg(index, CLASSES[index % 3]))
    source = parts.spec.source.model_copy(update={"landing": str(landing)})
    spec = PipelineSpec(source=source)
    arguments = [spec.model_dump_json(), str(home.store("parts")), str(home.batches("parts"))]
    with subprocess.Popen([sys.executable, "-c", INGEST, *arguments]) as ingesting:
        while ingesting.poll() is None:
            take(home, archive)
            time.sleep(0.15)
    assert ingesting.returncode == 0
    sizes = [assert_consistent(archive, name, home, parts) for name in archive.names()]
    assert min(sizes) < N_WHILE_INGESTING, "no backup was taken while images came in"


def assert_consistent(archive: Archive, name: str, home: Home, parts: UseCase) -> int:
    """Each reference holds; the rest of the images is taken afterwards, none twice."""
    again = Home(home.root.with_name(f"restored-{name}"))
    restore(archive, name, again.root)
    store = ImageStore.open(again.store("parts"))
    images = store.images()["image_id"].tolist()
    assert len(dict(store.read(images))) == len(images)
    assert set(store.labels()["image_id"]) <= set(images)
    rows = store.ledger.scan(["image_id", "status"]).to_pylist()
    assert {row["image_id"] for row in rows if row["status"] == "accepted"} <= set(images)
    ingest_the_rest(again, home, parts)
    assert len(store.images()) == store.images()["image_id"].nunique() == N_WHILE_INGESTING
    assert len(store.labels()) == N_WHILE_INGESTING
    return len(images)


def ingest_the_rest(again: Home, home: Home, parts: UseCase) -> None:
    store, landing = ImageStore.open(again.store("parts")), home.landing("landing/parts")
    batches = sweep(landing, store, parts.spec.source, again.batches("parts"))
    list(ingest_all(store, batches, landing, parts.spec))


def test_the_file_of_a_backup_is_plain_json(fill: Fill, home: Home, archive: Archive) -> None:
    fill(3)
    name = take(home, archive).backup.name
    said = json.loads((archive.root / "backups" / f"{name}.json").read_text())
    assert json.loads(said["backup"])["schema_version"] == 1
