"""A trained model on disk."""

import shutil

import pytest
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.trained_model import TrainedModel

TASK = load_task("classification")


@pytest.fixture
def own_model(trained: TrainedModel, tmp_path) -> TrainedModel:
    return TrainedModel.load(shutil.copytree(trained.folder, tmp_path / trained.model_id))


def test_a_loaded_model_is_the_one_that_was_written(trained: TrainedModel):
    loaded = TrainedModel.load(trained.folder)
    assert loaded == trained
    one, other = loaded.network(TASK).state_dict(), trained.network(TASK).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_changed_weights_are_not_used(own_model: TrainedModel):
    path = own_model.folder / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(TrainingError, match="was changed: expected SHA-256"):
        own_model.network(TASK)


def test_missing_weights_are_told(own_model: TrainedModel):
    (own_model.folder / "weights.safetensors").unlink()
    with pytest.raises(TrainingError, match="is missing; train the model again"):
        own_model.network(TASK)


def test_a_folder_without_a_model_is_told(tmp_path):
    with pytest.raises(TrainingError, match=r"model\.json cannot be read"):
        TrainedModel.load(tmp_path)


def test_another_schema_version_is_told(tmp_path):
    (tmp_path / "model.json").write_text('{"schema_version": 7}')
    with pytest.raises(TrainingError, match="schema version 7, this release reads 1"):
        TrainedModel.load(tmp_path)


def test_nothing_of_a_model_is_pickled(trained: TrainedModel):
    assert sorted(path.name for path in trained.folder.iterdir()) == [
        "model.json",
        "weights.safetensors",
    ]
    assert not (trained.folder / "weights.safetensors").read_bytes().startswith((b"\x80", b"PK"))


def test_tags_are_flat_text(trained: TrainedModel):
    tags = trained.environment_tags()
    assert {"code_version", "python", "torch", "device", "threads"} <= set(tags)
    assert all(isinstance(value, str) for value in tags.values())


def test_metrics_are_plain_numbers(trained: TrainedModel):
    assert trained.metrics["val_accuracy"] > 0.8
    assert all(type(value) is float for value in trained.metrics.values())
