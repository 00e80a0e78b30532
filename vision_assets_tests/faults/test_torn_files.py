"""The last file that was written is torn by a power cut: it is repaired, or refused with a remedy.

Tables of the store are in `vision/store/test_torn.py`, log and slot in
`serving/test_deployments.py`.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.errors import BundleError, DatasetError, StoreError
from vision_assets.vision.inference.bundle import Bundle, write_bundle
from vision_assets.vision.inference.service.slot import (
    Acknowledgement,
    acknowledge,
    acknowledgements,
)
from vision_assets.vision.store.identity import ensure, store_id
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.landing import open_batches, sweep, waiting
from vision_assets.vision.training.trained_model import TrainedModel, write_trained_model
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.serving.bundles import make_bundle
from vision_assets_tests.vision.made_images import MadeImages, pipeline

CUTS: dict[str, Callable[[int], int]] = {"in half": lambda size: size // 2, "whole": lambda _: 0}


@pytest.fixture(params=CUTS)
def tear(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    """Cuts a file off."""
    return lambda path: os.truncate(path, CUTS[request.param](path.stat().st_size))


@pytest.mark.parametrize("name", ["card.json", "model.onnx"])
def test_a_torn_bundle_is_refused_and_made_whole_by_the_next_export(
    tmp_path: Path, tear: Callable[[Path], None], name: str
) -> None:
    bundle = Bundle.load(make_bundle(tmp_path))
    contents = bundle.contents()
    tear(bundle.folder / name)
    with pytest.raises(BundleError, match="export the model again"):
        Bundle.load(bundle.folder)
    assert write_bundle(tmp_path, bundle.card, contents).bundle_id == bundle.bundle_id
    assert Bundle.load(bundle.folder).contents() == contents


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
def test_a_torn_model_is_made_whole_by_the_next_training(
    tmp_path: Path, tear: Callable[[Path], None], name: str
) -> None:
    from torch import nn

    record = {name: "it" for name in ("task", "recipe", "classes", "dataset")}
    network = nn.Linear(2, 3)
    model = write_trained_model(tmp_path, network, record)
    tear(model.folder / name)
    write_trained_model(tmp_path, network, record)
    assert TrainedModel.load(model.folder).verified_weights()


@pytest.fixture
def versions(tmp_path: Path) -> DatasetVersions:
    """Two versions."""
    versions, made = DatasetVersions(tmp_path), MadeImages()
    for _ in range(2):
        made.add_many(10, "good")
        versions.create(made, pipeline())
    return versions


@pytest.mark.parametrize("name", ["manifest.parquet", "near_pairs.parquet", "changes.parquet"])
def test_a_torn_version_is_refused_and_the_one_before_reads(
    versions: DatasetVersions, tear: Callable[[Path], None], name: str
) -> None:
    first, second = versions.list()
    tear(second.folder / name)
    with pytest.raises(DatasetError, match="restore it from a backup, or remove"):
        _ = second.manifest(), second.pairs(), second.difference
    assert len(first.manifest()) == 10


def test_a_torn_validation_is_refused_with_what_to_do(
    versions: DatasetVersions, tear: Callable[[Path], None]
) -> None:
    version = versions.get()
    version.record_validation([])
    tear(version.folder / "validation.json")
    with pytest.raises(DatasetError, match="remove it and materialize validated_dataset again"):
        _ = version.valid
    assert version.record_validation([])


def test_a_torn_record_of_the_store_is_refused_with_what_to_do(
    tmp_path: Path, tear: Callable[[Path], None]
) -> None:
    ensure(tmp_path)
    tear(tmp_path / "store.json")
    with pytest.raises(StoreError, match="remove the file"):
        store_id(tmp_path)
    (tmp_path / "store.json").unlink()
    ensure(tmp_path)
    assert store_id(tmp_path) != "new"


def test_what_a_torn_batch_named_waits_again(
    home: Home, parts: UseCase, drop: Callable[[int], None], tear: Callable[[Path], None]
) -> None:
    drop(3)
    source, batches = parts.spec.source, home.batches("parts")
    landing, store = home.landing(source.landing), ImageStore.open(home.store("parts"))
    (batch,) = sweep(landing, store, source, batches)
    tear(batches / f"{batch.batch_id}.json")
    assert open_batches(batches, store) == []
    (again,) = sweep(landing, store, source, batches)
    assert len(again.files()) == 3
    assert waiting(landing, store, source, batches, 1e12) == []


def test_a_torn_acknowledgement_is_of_a_worker_that_is_gone(
    tmp_path: Path, tear: Callable[[Path], None]
) -> None:
    said = Acknowledgement(worker="1-a", sequence=1, bundle_id="0" * 12, source="slot")
    tear(acknowledge(tmp_path / "slot.json", said))
    assert acknowledgements(tmp_path / "slot.json", fresh_s=10) == []


ADDS_RUNS_AND_DIES = """
import os, sqlite3, sys
from pathlib import Path
import dagster as dg
from vision_assets.execution import instance
from vision_assets.home import Home
home = Home(Path(sys.argv[1]))
with instance(home) as dagster:
    other = sqlite3.connect(home.dagster / "history/runs.db")  # while one reads, the log stays
    other.execute("SELECT count(*) FROM runs").fetchall()
    for number in range(20):
        dagster.add_run(dg.DagsterRun(job_name=f"job_{number}", run_config={}))
    os._exit(0)
"""


@pytest.mark.slow
def test_a_torn_write_ahead_log_of_sqlite_loses_its_end_alone(
    home: Home, tear: Callable[[Path], None]
) -> None:
    with instance(home) as dagster:
        assert dagster.get_runs() == []
    subprocess.run([sys.executable, "-c", ADDS_RUNS_AND_DIES, home.root], check=True)
    logs = list(home.dagster.rglob("*.db-wal"))
    assert logs
    for log in logs:
        tear(log)
    with instance(home) as dagster:
        assert len(dagster.get_runs()) < 20
        run = dagster.create_run_for_job(_job())
        assert dagster.get_run_by_id(run.run_id) is not None


def _job():
    import dagster as dg

    @dg.job
    def nothing():
        pass

    return nothing
