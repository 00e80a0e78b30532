"""What is learned from, and what is not."""

from pathlib import Path

import pandas as pd
import pytest

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.spec import ClassSpec, SourceSpec
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe, AnomalySpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset

RECIPE = AnomalyRecipe(image_size_px=32, epochs=1, batch_size=16)


def train(
    drawn: DrawnDataset, manifest: pd.DataFrame, root: Path, recipe: AnomalyRecipe = RECIPE
) -> tuple[TrainedModel, list[str]]:
    said: list[str] = []
    task = load_task("anomaly")
    model = fit(
        task, manifest, drawn.read, recipe, drawn.classes, root, DATASET, threads=1, say=said.append
    )
    return model, said


def test_defects_in_the_train_split_are_not_learned_from_and_it_is_said(
    drawn: DrawnDataset, tmp_path: Path
):
    normal = drawn.manifest[drawn.manifest["label"] == "good"]
    beside, said = train(drawn, drawn.manifest, tmp_path / "beside")
    alone, _ = train(drawn, normal, tmp_path / "alone")
    assert beside.record["weights_sha256"] == alone.record["weights_sha256"]
    assert any("64 of 96 images in the train and val splits show defects" in line for line in said)


@pytest.mark.parametrize("split", ["train", "val"])
def test_a_split_without_normal_images_is_told(drawn: DrawnDataset, tmp_path: Path, split: str):
    manifest = drawn.manifest
    left = manifest[(manifest["label"] != "good") | (manifest["split"] != split)]
    with pytest.raises(TrainingError, match=f"no defect in the {split} split"):
        train(drawn, left, tmp_path)


def test_large_pictures_are_learned_in_tiles(drawn: DrawnDataset, tmp_path: Path):
    recipe = AnomalyRecipe.model_validate(
        {"image_size_px": 32, "epochs": 1, "tiles": {"size_px": 20, "overlap": 0.2}}
    )
    model, _ = train(drawn, drawn.manifest, tmp_path, recipe)
    assert model.recipe(load_task("anomaly")).input_size().tiling is not None


def test_defects_go_to_the_test_split_alone():
    spec = AnomalySpec(source=SourceSpec(landing="landing"))
    classes = (ClassSpec(id=1, name="good"), ClassSpec(id=2, name="scratch"))
    assert list(spec.test_only(classes)) == [2]
