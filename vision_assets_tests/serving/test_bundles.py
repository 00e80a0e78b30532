"""Bundles by their names, beside others that are damaged."""

import json
from pathlib import Path

import pytest

from vision_assets.home import Home
from vision_assets.serving.bundles import CHAMPION, LATEST, find_bundle
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import BundleError, DeploymentError, SpecError
from vision_assets.vision.inference.bundle import read_card
from vision_assets_tests.serving.bundles import make_bundle


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def old(home: Home) -> Path:
    """A bundle whose model is damaged."""
    folder = make_bundle(home.bundles("colours"), gain=4.0)
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"created_at": "2025-01-01T00:00:00Z"}))
    (folder / "model.onnx").write_bytes(b"torn")
    return folder


@pytest.fixture
def new(home: Home, old: Path) -> Path:
    folder = make_bundle(home.bundles("colours"), gain=9.0)
    Deployments(home.deployments("colours")).deploy(folder.name, folder, "t:1", "test", "me")
    return folder


def test_a_damaged_bundle_is_in_nobodys_way_but_its_own(home: Home, old: Path, new: Path) -> None:
    for name in (CHAMPION, LATEST, new.name, read_card(new).model_id):
        assert find_bundle(home, "colours", name).folder == new
    for name in (old.name, read_card(old).model_id):
        with pytest.raises(BundleError, match="was changed"):
            find_bundle(home, "colours", name)


def test_a_card_that_cannot_be_read_is_told_where_it_matters(
    home: Home, old: Path, new: Path
) -> None:
    (old / "card.json").write_text("{")
    assert find_bundle(home, "colours", new.name).folder == new
    assert find_bundle(home, "colours", read_card(new).model_id).folder == new
    with pytest.raises(BundleError, match=f"the latest cannot be told.*{old.name}"):
        find_bundle(home, "colours", LATEST)
    with pytest.raises(
        SpecError, match=f"there are: {new.name} .*, one that cannot be read .*{old.name}"
    ):
        find_bundle(home, "colours", "abc")


def test_a_model_of_several_bundles_names_none(home: Home, new: Path) -> None:
    other = make_bundle(home.bundles("colours"), gain=9.0, thresholds={"pass_below": 0.2})
    with pytest.raises(SpecError, match=f"{other.name}.*{new.name}|{new.name}.*{other.name}"):
        find_bundle(home, "colours", read_card(new).model_id)


def test_without_a_deployment_there_is_no_champion(home: Home) -> None:
    with pytest.raises(DeploymentError, match="no deployment, so there is no champion"):
        find_bundle(home, "colours", CHAMPION)
