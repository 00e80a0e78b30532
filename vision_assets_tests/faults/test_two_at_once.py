"""Another process that is in the way: a second `up`, a lock on a database."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.resources.agreement import agree, champion
from vision_assets.resources.tracking import prepare
from vision_assets.serving.deployments import Deployments
from vision_assets.stack import Stack
from vision_assets.vision.errors import ServiceError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.inference.bundle import Bundle
from vision_assets_tests.serving.bundles import make_bundle

HOLDS_FOR_S = 3
HOLDS_A_LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.rollback()
"""


def _hold(database: Path) -> subprocess.Popen[str]:
    """A process that has just locked a database, for some seconds."""
    command = [sys.executable, "-c", HOLDS_A_LOCK, str(database), str(HOLDS_FOR_S)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_up_is_refused_before_it_touches_anything(home: Home) -> None:
    with (
        file_lock(home.root / "up.lock", wait_s=0),
        pytest.raises(ServiceError, match=r"run already .*written by process \d+"),
        Stack(home),
    ):
        pass
    assert [path.name for path in home.root.iterdir()] == ["up.lock"]


def test_a_lock_on_the_runs_of_dagster_is_waited_for(home: Home) -> None:
    with instance(home) as dagster:
        dagster.get_runs()
        with _hold(home.dagster / "history" / "runs.db"):
            run = dg.DagsterRun(job_name="it", run_config={})
            dagster.add_run(run)
        assert dagster.get_run_by_id(run.run_id) is not None


@pytest.mark.slow
def test_a_lock_on_the_registry_is_waited_for(home: Home) -> None:
    import mlflow

    client = mlflow.MlflowClient(prepare(home, "colours"))
    folder = make_bundle(home.bundles("colours"))
    model_id = Bundle.load(folder).card.model_id
    client.create_registered_model("colours")
    client.create_model_version("colours", str(folder), tags={"model_id": model_id})
    Deployments(home.deployments("colours")).deploy(folder.name, folder, "colours:1", "why", "by")
    with _hold(home.mlflow / "mlflow.db"):
        (repaired,) = agree(home, "colours")
    assert "the champion, as the log says" in repaired
    assert champion(home, "colours") == model_id


def test_the_lock_of_the_test_is_one(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "it.db").close()
    with (
        _hold(tmp_path / "it.db"),
        closing(sqlite3.connect(tmp_path / "it.db", timeout=0.1)) as connection,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        connection.execute("CREATE TABLE it (a)")
