"""A home that is low on disk: on a real small disk where this user may mount one."""

import os
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import httpx
import pytest
from typer.testing import CliRunner

from vision_assets.automation.new_images import new_images
from vision_assets.automation.retraining import retraining
from vision_assets.cli import app
from vision_assets.execution import run_graph
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.resources.home import HomeResource
from vision_assets.serving.bento import build_bento
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.process import ServiceProcess
from vision_assets.vision.disk import (
    LOST_AND_FOUND,
    MIN_FREE_VARIABLE,
    QUOTA_VARIABLE,
    disk_state,
    size_of,
)
from vision_assets.vision.errors import DiskFull, SpecError
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.nobody import without_rights
from vision_assets_tests.serving.bundles import colour_png, make_bundle

DISK_MB = 400


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of its own in memory; skips loudly where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False).returncode != 0:
        said = "a small disk cannot be mounted here: what happens on a full one is not tested"
        warnings.warn(said, stacklevel=1)
        pytest.skip(said)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def project(project: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of these tests is on the small disk."""
    monkeypatch.setenv(HOME_VARIABLE, str(small_disk / "home"))
    monkeypatch.setenv(MIN_FREE_VARIABLE, "0.05")
    return project


@pytest.fixture
def full(small_disk: Path, home: Home) -> Path:
    """What fills the disk up to 20 MB."""
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(disk_state(home.root).free_bytes - 20_000_000))
    return ballast


def tick(sensor: dg.SensorDefinition) -> Any:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, resources={"home": HomeResource()}) as context,
    ):
        return sensor.evaluate_tick(context)


def test_files_stay_where_they_are_until_there_is_room(
    parts: UseCase, home: Home, drop: Callable[[int], None], full: Path
) -> None:
    drop(4)
    said = tick(new_images(parts))
    assert not said.run_requests
    assert "Low on disk" in str(said.skip_message)
    refused = CliRunner().invoke(app, ["ingest", "parts"])
    assert refused.exit_code == 1
    assert "low on disk" in refused.stderr
    assert "none is lost" in refused.stderr
    assert not home.batches("parts").exists()
    assert not home.store("parts").exists()
    full.unlink()
    assert len(tick(new_images(parts)).run_requests or []) == 1
    assert CliRunner().invoke(app, ["ingest", "parts"]).exit_code == 0
    assert len(ImageStore.open(home.store("parts")).images()) == 4


@pytest.mark.slow
def test_no_training_is_started(
    parts: UseCase, drop: Callable[[int], None], small_disk: Path, home: Home
) -> None:
    drop(8)
    assert run_graph("parts", ["raw_images"])
    (small_disk / "ballast").write_bytes(bytes(disk_state(home.root).free_bytes - 20_000_000))
    sensor = next(iter(retraining(replace(parts, spec=_eager(parts))).sensors or ()))
    said = tick(sensor)
    assert not said.run_requests
    assert "no training is started" in str(said.skip_message)
    assert not run_graph("parts", ["validated_dataset", "trained_model"])
    assert not home.models("parts").exists()


def _eager(parts: UseCase):
    triggers = parts.spec.triggers.model_copy(update={"retrain_after": 4})
    return parts.spec.model_copy(update={"triggers": triggers})


def test_a_full_disk_stores_all_of_a_batch_or_says_so(
    parts: UseCase, home: Home, drop: Callable[[int], None], full: Path
) -> None:
    """Even where the minimum is set to nothing, the store keeps what it needs for itself."""
    os.environ[MIN_FREE_VARIABLE] = "0"
    drop(4)
    refused = CliRunner().invoke(app, ["ingest", "parts"])
    assert refused.exit_code == 1
    assert "free some space" in refused.stderr
    full.unlink()
    assert CliRunner().invoke(app, ["ingest", "parts"]).exit_code == 0
    assert len(ImageStore.open(home.store("parts")).images()) == 4


def test_a_quota_is_held_against_what_the_home_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_bytes(bytes(2_000_000))
    (tmp_path / "a" / "link").symlink_to(tmp_path)
    monkeypatch.setenv(QUOTA_VARIABLE, "0.001")
    state = disk_state(tmp_path)
    assert state.low
    assert size_of(tmp_path) == pytest.approx(2_000_000, abs=100)
    assert "2.0 MB of 1.0 MB it may hold" in state.text
    monkeypatch.setenv(QUOTA_VARIABLE, "1")
    assert not disk_state(tmp_path).low


def test_a_file_that_goes_while_it_is_looked_at_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(bytes(1000))
    scan = os.scandir

    def scan_and_lose_one(folder: Path) -> Any:
        with scan(folder) as entries:
            listed = list(entries)
        Path(listed[0].path).unlink()
        return nullcontext(listed)

    monkeypatch.setattr(os, "scandir", scan_and_lose_one)
    assert size_of(tmp_path) == 2000


def test_what_the_disk_keeps_for_root_counts_nothing() -> None:
    with TemporaryDirectory() as place:
        home = Path(place)
        home.chmod(0o755)
        (home / "file").write_bytes(bytes(1000))
        (home / LOST_AND_FOUND).mkdir(mode=0o700)
        with without_rights():
            assert size_of(home) == 1000


def test_a_home_that_is_not_there_yet_has_a_disk(tmp_path: Path) -> None:
    state = disk_state(tmp_path / "no" / "home", measured=True)
    assert state.used_bytes == 0
    assert state.free_bytes > 0


@pytest.mark.parametrize("text", ["much", "-1", "inf", "nan"])
def test_a_quota_that_is_no_number_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(QUOTA_VARIABLE, text)
    with pytest.raises(SpecError, match=QUOTA_VARIABLE):
        disk_state(tmp_path)


def test_the_error_says_what_was_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vision_assets.vision.disk import refuse_when_low

    monkeypatch.setenv(MIN_FREE_VARIABLE, "1e6")
    with pytest.raises(DiskFull, match="no image was taken: .* have to stay free"):
        refuse_when_low(tmp_path, "no image was taken")


@pytest.mark.slow
def test_the_endpoint_goes_on_when_the_disk_is_full_to_the_last_byte(
    parts: UseCase, home: Home, small_disk: Path
) -> None:
    folder = make_bundle(home.bundles("parts"), ("a", "b", "c"))
    bento = build_bento(home, parts, folder)
    log = Deployments(home.deployments("parts"))
    log.deploy(folder.name, folder, bento.tag, "the first", "test")
    settings = ServiceSettings(workers=1, slot_poll_s=0.1)
    with ServiceProcess(home, bento, slot=log.slot_path, settings=settings) as service:
        assert asked(service) == "a"
        with (small_disk / "ballast").open("wb") as ballast, suppress(OSError):
            while True:
                ballast.write(bytes(1_000_000))
        assert disk_state(home.root).free_bytes == 0
        assert [asked(service) for _ in range(50)] == ["a"] * 50
        time.sleep(1)
        assert asked(service) == "a"


def asked(service: ServiceProcess) -> str:
    files = {"image": colour_png("red")}
    return httpx.post(f"{service.base_url}/predict", files=files, trust_env=False).json()["label"]
