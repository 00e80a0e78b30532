"""`vision-assets reproduce` on a model that the graph trained."""

import json

import pytest

RECIPE = "  recipe: {epochs: 1, image_size_px: 32}\n"


@pytest.fixture
def trained(steel, home, run) -> str:
    """A use case whose model is trained and registered."""
    path = home.parent / "defs" / "steel" / "defs.yaml"
    lines = path.read_text().splitlines(keepends=True)
    begin = next(n for n, line in enumerate(lines) if line.strip().startswith("attributes:"))
    path.write_text("".join([*lines[: begin + 1], RECIPE, *lines[begin + 1 :]]))
    assets = ("raw_images", "validated_dataset", "trained_model")
    run("run", steel, *(word for asset in assets for word in ("--select", asset)))
    return steel


@pytest.mark.slow
def test_a_registered_model_is_the_same_again_until_its_images_are_erased(
    trained, home, run, run_json
):
    by_version = run_json("reproduce", trained, "1")
    assert by_version["same"] is True
    assert by_version["differences"] == []
    assert run_json("reproduce", trained, by_version["model_id"]) == by_version
    assert "there are: 1 (" in run("reproduce", trained, "7", code=2).output
    assert (home / "cache" / "pixels").is_dir()

    folder = home / "models" / trained / by_version["model_id"]
    record = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(record | {"weights_sha256": "0" * 64}))
    assert run_json("reproduce", trained, "1", code=1)["same"] is False

    from vision_assets.home import Home
    from vision_assets.vision.dataset.versions import DatasetVersions

    manifest = DatasetVersions(Home.from_environment().datasets(trained)).get().manifest()
    image_id = manifest.loc[manifest["split"] == "train", "image_id"].iloc[0]
    run("remove", trained, image_id, "--why", "asked for", "--yes")
    assert not list((home / "cache" / "pixels").glob("*x*/index.json"))
    assert "was trained on were erased" in run("reproduce", trained, "1", code=1).output
