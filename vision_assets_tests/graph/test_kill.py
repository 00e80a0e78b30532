"""kill -9 between any two assets, and of the servers: nothing lost, nothing twice, nothing half."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import httpx
import pytest

from vision_assets.assets.graph import GRAPH
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.resources.tracking import tracking_uri
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.endpoint import is_ready
from vision_assets.serving.process import free_port
from vision_assets.stack import Ports, Stack
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.conftest import PARTS_YAML

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

N_IMAGES = 24
DEADLINE_S = 300


@pytest.fixture
def served_parts(parts: UseCase, write_yaml: Callable[..., Path]) -> UseCase:
    """The use case `parts` with its images in the landing folder and a port that is free."""
    from vision_assets.project import use_case

    write_yaml(f"{PARTS_YAML}  service: {{port: {free_port()}}}\n")
    return use_case("parts")


@pytest.fixture(autouse=True)
def images(drop: Callable[[int], None]) -> None:
    drop(N_IMAGES)


def _wait(until: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not until():
        assert time.monotonic() < deadline, f"{what} did not happen within {DEADLINE_S} s"
        time.sleep(0.5)


def _materialized_since(dagster: dg.DagsterInstance, noun: str, began_s: float) -> bool:
    event = dagster.get_latest_materialization_event(dg.AssetKey(["parts", noun]))
    return event is not None and event.timestamp > began_s


def _assert_nothing_half(home: Home) -> None:
    """Whatever is visible is whole, and there is one of each at most."""
    assert ImageStore.open(home.store("parts")).images()["image_id"].is_unique
    versions = DatasetVersions(home.datasets("parts")).list()
    models = [TrainedModel.load(folder) for folder in _visible(home.models("parts"))]
    bundles = [Bundle.load(folder) for folder in _visible(home.bundles("parts"))]
    deployed = Deployments(home.deployments("parts")).history()
    assert all(len(version.manifest()) == N_IMAGES for version in versions)
    assert max(map(len, (versions, models, bundles, deployed))) <= 1


def _visible(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*") if path.is_dir() and not path.name.startswith(".")]


def _assert_complete(home: Home) -> None:
    store = ImageStore.open(home.store("parts"))
    assert len(store.images()) == len(store.labels()) == N_IMAGES
    assert len(DatasetVersions(home.datasets("parts")).list()) == 1
    deployments = Deployments(home.deployments("parts"))
    assert len(deployments.history()) == 1
    assert deployments.repair() == []


def test_killed_between_any_two_assets_the_next_run_completes(home: Home, parts: UseCase) -> None:
    """Each run goes on where the one before was killed; the last one takes the whole graph."""
    with instance(home) as dagster:
        for position, noun in enumerate(GRAPH[:-1]):
            began_s = time.time()
            run = _run_in_background(home, GRAPH[position:])
            _wait(lambda n=noun, b=began_s: _materialized_since(dagster, n, b), noun)
            os.killpg(run.pid, signal.SIGKILL)
            assert run.wait() == -signal.SIGKILL
            _assert_nothing_half(home)
    assert _run_in_background(home, GRAPH).wait() == 0
    _assert_nothing_half(home)
    _assert_complete(home)


def _run_in_background(home: Home, nouns: Sequence[str]) -> subprocess.Popen[bytes]:
    selection = [argument for noun in nouns for argument in ("--select", noun)]
    home.logs.mkdir(parents=True, exist_ok=True)
    with (home.logs / "run.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "vision_assets.cli", "run", "parts", *selection],
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ,
        )


def _tracked_statuses(home: Home) -> list[str]:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri(home))
    experiment = client.get_experiment_by_name("parts")
    assert experiment is not None
    return sorted(run.info.status for run in client.search_runs([experiment.experiment_id]))


def test_killed_servers_start_again_and_finish_what_they_had_begun(
    home: Home, served_parts: UseCase
) -> None:
    said: list[str] = []
    with Stack(home, Ports(free_port(), free_port()), said.append) as stack:
        for happens in (_a_batch_is_written, _a_training_is_tracked):
            _wait(lambda h=happens: _ticked(stack) and h(home), happens.__name__)
            stack.children["dagster"].signal(signal.SIGKILL)
            _wait(lambda: bool(_ticked(stack) and said), "a new start")
            assert "dagster ended with -9" in said[0]
            said.clear()
        deployments = Deployments(home.deployments("parts"))
        _wait(lambda: bool(_ticked(stack) and deployments.history()), "a deployment")
        _wait(lambda: bool(_ticked(stack) and is_ready(home, served_parts)), "an answer")
    assert _tracked_statuses(home) == ["FINISHED", "KILLED"]
    _assert_nothing_half(home)
    _assert_complete(home)


def _ticked(stack: Stack) -> Stack:
    stack.tick()
    return stack


def _a_batch_is_written(home: Home) -> bool:
    return any(home.batches("parts").glob("*.json"))


def _a_training_is_tracked(home: Home) -> bool:
    import mlflow

    client = mlflow.MlflowClient(tracking_uri(home))
    return client.get_experiment_by_name("parts") is not None and bool(_tracked_statuses(home))


def test_servers_end_with_a_supervisor_that_is_killed(home: Home, parts: UseCase) -> None:
    dagster, mlflow = free_port(), free_port()
    ports = ["--dagster-port", str(dagster), "--mlflow-port", str(mlflow)]
    supervisor = subprocess.Popen(
        [sys.executable, "-m", "vision_assets.cli", "up", *ports],
        stdout=subprocess.DEVNULL,
        env=os.environ,
        preexec_fn=_ignore_interrupts,
    )
    _wait(lambda: _listens(dagster) and _listens(mlflow), "the servers")
    supervisor.kill()
    supervisor.wait()
    _wait(lambda: not _listens(dagster) and not _listens(mlflow), "their end")


def _ignore_interrupts() -> None:
    """As for what a script starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=5)
    except httpx.TransportError:
        return False
    return True
