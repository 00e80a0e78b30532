"""A home that is moved while nothing runs works on where it is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.execution import run_graph
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.resources.tracking import CHAMPION, prepare
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.endpoint import deployed_bento
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets.vision.use_case import UseCase


@pytest.fixture
def moved(
    home: Home, parts: UseCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Home]:
    """Moves the home, so that nothing is left at its old place."""

    def move() -> Home:
        shutil.move(home.root, tmp_path / "elsewhere")
        monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "elsewhere"))
        return Home.from_environment()

    return move


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_moved_home_keeps_all_it_had_and_works_on(
    drop: Callable[[int], None], parts: UseCase, moved: Callable[[], Home]
) -> None:
    drop(24)
    assert run_graph("parts")
    home = moved()
    deployed = Deployments(home.deployments("parts"))
    before = deployed.current()
    assert before is not None
    assert Bundle.load(deployed.bundle_folder(before)).bundle_id == before.bundle_id
    assert deployed_bento(home, parts).folder.is_relative_to(home.root)
    assert _champion_from_mlflow(home).model_id == before.model_id
    assert run_graph("parts")
    assert len(DatasetVersions(home.datasets("parts")).list()) == 1
    assert deployed.current() == before
    assert not (home.root.parent / "home").exists()


def _champion_from_mlflow(home: Home) -> TrainedModel:
    """The champion as MLflow's registry hands it out."""
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    champion = client.get_model_version_by_alias("parts", CHAMPION)
    folder = mlflow.artifacts.download_artifacts(
        artifact_uri=str(champion.source), tracking_uri=prepare(home)
    )
    return TrainedModel.load(Path(folder))
