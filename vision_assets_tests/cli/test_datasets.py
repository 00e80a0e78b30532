"""dataset list, diff and export, and remove, on versions of a real store."""

import pytest

from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.samples.write import write_samples
from vision_assets.vision.store.image_store import ImageStore


@pytest.fixture
def new_version(steel, run, home):
    """Ingests what waits and makes a version of what is stored."""

    def make():
        run("ingest", steel)
        store = ImageStore.open(Home(home).store(steel))
        return DatasetVersions(Home(home).datasets(steel)).create(store, use_case(steel).spec)

    return make


def test_no_versions_are_an_empty_list(steel, run_json):
    assert run_json("dataset", "list", steel) == []


def test_an_unknown_version_names_those_that_exist(steel, new_version, run):
    version = new_version()
    assert version.name in run("dataset", "diff", steel, "v7", code=1).stderr


def test_versions_are_listed_and_compared(steel, new_version, run_json, run, samples):
    first = new_version()
    write_samples(samples.folder, 5, 9, broken=0, duplicates=0, near_duplicates=0, conflicts=0)
    second = new_version()
    assert [v["name"] for v in run_json("dataset", "list", steel)] == [first.name, second.name]
    assert len(run_json("dataset", "diff", steel, "v1")["added"]) == 5
    assert "added 5" in run("dataset", "list", steel).stdout


def test_an_export_holds_the_images_of_the_splits(steel, new_version, run_json, tmp_path):
    manifest = new_version().manifest()
    said = run_json("dataset", "export", steel, "latest", "--to", tmp_path / "out")
    files = list((tmp_path / "out").rglob("*.jpg"))
    assert said["n_images"] == len(files) == manifest["split"].isin(["train", "val", "test"]).sum()


def test_a_removed_image_is_missing_in_the_export(steel, new_version, run, run_json, tmp_path):
    manifest = new_version().manifest()
    image_id = manifest[manifest["split"] == "train"]["image_id"].iloc[0]
    run("remove", steel, image_id, "--why", "asked for", "--yes")
    said = run_json("dataset", "export", steel, "v1", "--to", tmp_path / "out")
    assert said["erased"] == [image_id]
    assert [v["erased"] for v in run_json("dataset", "list", steel)] == [[image_id]]


def test_a_removal_is_asked_about(steel, new_version, run, run_json):
    image_id = new_version().manifest()["image_id"].iloc[0]
    before = run_json("status")[steel]["images"]
    run("remove", steel, image_id, "--why", "by mistake", code=1)
    assert run_json("status")[steel]["images"] == before
