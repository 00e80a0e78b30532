"""Copies of pixels that erasing does not reach are told."""

from pathlib import Path

from vision_assets.home import Home
from vision_assets.keeping.traces import bundles_with
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.inference.bundle import Bundle, write_bundle
from vision_assets.vision.inference.golden import GOLDEN_FILE
from vision_assets_tests.serving.bundles import make_bundle
from vision_assets_tests.vision.made_images import MadeImages, pipeline


def test_bundles_of_a_version_that_held_an_image_are_named(tmp_path: Path) -> None:
    home, made = Home(tmp_path / "home"), MadeImages()
    made.add_many(20, "good")
    version = DatasetVersions(home.datasets("parts")).create(made, pipeline())
    plain = Bundle.load(make_bundle(tmp_path / "made"))
    model = (plain.folder / "model.onnx").read_bytes()
    files = {"model.onnx": model, GOLDEN_FILE: b"of pictures"}
    for dataset in (version.name, "v0002-other"):
        card = plain.card.model_copy(update={"dataset": {"name": dataset, "fingerprint": dataset}})
        write_bundle(home.bundles("parts"), card, files)
    (found,) = bundles_with(home, "parts", version.manifest()["image_id"][:1])
    assert Bundle.load(home.bundles("parts") / found).card.dataset["name"] == version.name
    assert bundles_with(home, "parts", ["0" * 64]) == []


def test_a_bundle_that_cannot_be_read_may_show_any_image(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    damaged = home.bundles("parts") / "0123456789ab"
    damaged.mkdir(parents=True)
    (damaged / GOLDEN_FILE).write_bytes(b"of pictures")
    assert bundles_with(home, "parts", ["0" * 64]) == [damaged.name]
