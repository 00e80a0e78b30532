"""Bundles that earlier releases wrote are read, judged, deployed and served by this one.

`stored/` is never written again: a change that these tests refuse would strand what is deployed
in factories.
"""

import shutil
from pathlib import Path

import pytest

from vision_assets.serving.deployments import Deployments
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.golden import check_golden
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.service.live_model import LiveModel
from vision_assets.vision.inference.service.settings import ServiceSettings
from vision_assets_tests.serving.bundles import colour_png

STORED = {path.parent.name: path for path in (Path(__file__).parent / "stored").glob("*/*")}


@pytest.fixture(params=sorted(STORED))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a stored bundle."""
    stored = STORED[request.param]
    return Path(shutil.copytree(stored, tmp_path / "bundles" / stored.name))


def test_a_bundle_of_each_schema_version_is_stored():
    found = {name: Bundle.load(path).card.schema_version for name, path in STORED.items()}
    assert found == {"schema_1": 1, "schema_2": 2}


def test_it_loads_under_its_id(folder: Path):
    assert Bundle.load(folder).bundle_id == folder.name


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_it_answers(folder: Path, colour: str):
    answer = Predictor(Bundle.load(folder)).predict(colour_png(colour))
    assert answer["label"] == colour


def test_only_thresholds_decide():
    decided = {
        name: Predictor(Bundle.load(path)).predict(colour_png("blue"))["decision"]
        for name, path in STORED.items()
    }
    assert decided == {"schema_1": None, "schema_2": "refuse"}


def test_one_without_golden_images_is_not_checked_by_them():
    assert check_golden(Predictor(Bundle.load(STORED["schema_1"]))) is None
    assert check_golden(Predictor(Bundle.load(STORED["schema_2"]))) == pytest.approx(0, abs=1e-5)


def test_it_is_deployed_and_taken_from_the_slot(folder: Path, tmp_path: Path):
    other = next(path for path in STORED.values() if path.name != folder.name)
    deployments = Deployments(tmp_path / "deployments")
    deployments.deploy(folder.name, folder, f"colours:{folder.name}", why="test", by="test")
    live = LiveModel(other, ServiceSettings(), deployments.slot_path, "colours:test")
    live.look()
    assert live.current.bundle.bundle_id == folder.name
    live.stop()
