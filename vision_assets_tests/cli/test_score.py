"""score and containerize from the command line."""

from pathlib import Path

import pandas as pd
import pytest

from vision_assets.home import Home
from vision_assets.serving.deployments import Deployments
from vision_assets_tests.serving.bundles import make_bundle


@pytest.fixture
def bundle(steel, home) -> Path:
    return make_bundle(Home(home).bundles("steel"), use_case="steel")


def test_score_needs_a_deployment_or_a_bundle(steel, run, samples):
    assert "no deployment" in run("score", steel, samples.folder, code=1).stderr
    said = run("score", steel, samples.folder, "--bundle", "latest", code=1).stderr
    assert "has no bundles yet" in said


def test_score_of_an_unknown_bundle_names_those_that_exist(steel, run, samples, bundle):
    said = run("score", steel, samples.folder, "--bundle", "abc", code=2).stderr
    assert bundle.name in said


def test_score_writes_a_row_per_file(steel, run_json, samples, bundle, tmp_path):
    out = tmp_path / "scores.parquet"
    arguments = ("score", steel, samples.folder, "--out", out, "--bundle", "latest")
    first, again = run_json(*arguments), run_json(*arguments)
    rows = pd.read_parquet(out)
    assert len(rows) == first["files"] == first["scored"]
    assert sum(first["labels"].values()) == first["files"] - first["refused"]
    assert again["scored"] == first["refused"]
    assert again["labels"] == first["labels"]


def test_score_asks_the_champion_and_writes_into_the_home(steel, run_json, samples, bundle, home):
    Deployments(Home(home).deployments("steel")).deploy(bundle.name, bundle, "t:1", "test", "me")
    said = run_json("score", steel, samples.folder)
    assert said["bundle_id"] == bundle.name
    assert Path(said["out"]).is_relative_to(Home(home).scores("steel"))


def test_folders_of_one_name_have_answers_of_their_own(
    steel, run_json, bundle, tmp_path, monkeypatch
):
    for day in ("monday", "tuesday"):
        (tmp_path / day / "images").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    def out(folder):
        return run_json("score", steel, folder, "--bundle", "latest")["out"]

    monday = out(tmp_path / "monday" / "images")
    assert Path(monday).name.startswith("images-")
    assert out("tuesday/../monday/images") == monday
    assert out("tuesday/images") != monday


def test_score_of_a_folder_that_is_not_there_is_wrong_usage(steel, run):
    run("score", steel, "nowhere", code=2)


def test_containerize_needs_a_deployment(steel, run):
    assert "no deployment" in run("containerize", steel, code=1).stderr


def test_containerize_needs_the_bento_that_is_deployed(steel, run, bundle, home):
    Deployments(Home(home).deployments("steel")).deploy(bundle.name, bundle, "t:1", "test", "me")
    assert "it is gone" in run("containerize", steel, code=1).stderr


def test_containerize_says_whether_the_service_asks_for_keys(
    steel, run, run_json, bundle, home, tmp_path
):
    Deployments(Home(home).deployments("steel")).deploy(bundle.name, bundle, "s_t:1", "test", "me")
    bento = Home(home).bentoml / "bentos" / "s_t" / "1" / "src"
    bento.mkdir(parents=True)
    (bento / "requirements.txt").touch()
    said = run("containerize", steel, "--out", tmp_path / "open").stdout
    assert "answers everybody who reaches it" in said
    assert "s-t-api-keys" in said
    yaml = home.parent / "defs" / steel / "defs.yaml"
    yaml.write_text(yaml.read_text().replace("service: {", "service: {api_keys_file: keys.json, "))
    assert run_json("containerize", steel, "--out", tmp_path / "keyed")["asks_for_keys"]
    assert "starts with keys alone" in run("containerize", steel, "--out", tmp_path / "a").stdout
