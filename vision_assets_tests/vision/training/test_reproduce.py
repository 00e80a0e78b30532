"""A recorded model is trained again from its record."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.reproduce import Reproduction, reproduce
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset

TASK = load_task("classification")
SHORT = ClassificationRecipe(image_size_px=32, epochs=1, batch_size=16, seed=3)


@pytest.fixture(scope="module")
def recorded(few: DrawnDataset, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    root = tmp_path_factory.mktemp("models")
    return fit(TASK, few.manifest, few.read, SHORT, few.classes, root, DATASET, threads=1)


@pytest.fixture
def recorded_otherwise(recorded: TrainedModel, tmp_path) -> Callable[..., TrainedModel]:
    """The model as if its record said something else."""

    def change(alter: Callable[[dict[str, Any]], object]) -> TrainedModel:
        folder = Path(shutil.copytree(recorded.folder, tmp_path / "other"))
        record = json.loads((folder / "model.json").read_text())
        alter(record)
        (folder / "model.json").write_text(json.dumps(record))
        return TrainedModel.load(folder)

    return change


def again(model: TrainedModel, few: DrawnDataset, tmp_path, erased=()) -> Reproduction:
    return reproduce(TASK, model, few.manifest, erased, few.read, tmp_path / "scratch")


def test_the_same_record_gives_the_same_weights(recorded: TrainedModel, few, tmp_path):
    found = again(recorded, few, tmp_path)
    assert found.same
    assert found.differences == ()


def test_what_differs_is_said(recorded_otherwise, few: DrawnDataset, tmp_path):
    model = recorded_otherwise(
        lambda record: (
            record.update(weights_sha256="0" * 64, code_version="0.0.1"),
            record["environment"]["libraries"].update(torch="1.0"),
        )
    )
    found = again(model, few, tmp_path)
    assert not found.same
    assert {each.fact: each.recorded for each in found.differences} == {
        "code_version": "0.0.1",
        "torch": "1.0",
    }


def test_it_runs_on_the_device_that_auto_meant(recorded_otherwise, few: DrawnDataset, tmp_path):
    model = recorded_otherwise(lambda record: record["environment"].update(device="cuda"))
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    facts = {
        each.fact: (each.recorded, each.now) for each in again(model, few, tmp_path).differences
    }
    assert facts["device"] == ("cuda", "cpu")


def test_erased_images_are_told(recorded: TrainedModel, few: DrawnDataset, tmp_path):
    gone = few.manifest.loc[few.manifest["split"] == "train", "image_id"].iloc[:2].tolist()
    with pytest.raises(DatasetError, match="2 images that model .* was trained on were erased"):
        again(recorded, few, tmp_path, erased=gone)


def test_erased_test_images_are_no_obstacle(recorded: TrainedModel, few, tmp_path):
    assert again(recorded, few, tmp_path, erased=few.test["image_id"].tolist()).same


def test_a_record_of_an_early_release_can_be_done_again(recorded_otherwise, few, tmp_path):
    def as_early(record: dict[str, Any]) -> None:
        del record["first_weights"]
        for name in ("weights", "keep", "average", "schedule", "imbalance", "precision"):
            del record["recipe"][name]

    assert again(recorded_otherwise(as_early), few, tmp_path).same
