"""A training keeps its promises."""

import json

import pandas as pd
import pytest

from vision_assets.vision.errors import DatasetError, TrainingError
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import card_classes, fit
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset

TASK = load_task("classification")
SHORT = ClassificationRecipe(image_size_px=32, epochs=2, batch_size=16)


def train(drawn: DrawnDataset, root, recipe=SHORT, manifest: pd.DataFrame | None = None, **options):
    rows = drawn.manifest if manifest is None else manifest
    options = {"threads": 1} | options
    return fit(TASK, rows, drawn.read, recipe, drawn.classes, root, DATASET, **options)


def weights(model: TrainedModel) -> bytes:
    return (model.folder / "weights.safetensors").read_bytes()


def test_the_same_inputs_give_the_same_bits(few: DrawnDataset, tmp_path):
    once, again = train(few, tmp_path / "a"), train(few, tmp_path / "b")
    assert weights(once) == weights(again)
    assert once.model_id == again.model_id


def test_the_order_of_the_manifest_does_not_count(few: DrawnDataset, tmp_path):
    mixed = few.manifest.sample(frac=1, random_state=1)
    assert weights(train(few, tmp_path / "a")) == weights(
        train(few, tmp_path / "b", manifest=mixed)
    )


def test_another_seed_gives_other_weights(few: DrawnDataset, tmp_path):
    other = SHORT.model_copy(update={"seed": 1})
    assert weights(train(few, tmp_path)) != weights(train(few, tmp_path, other))


def test_training_again_into_the_same_folder_changes_nothing(few: DrawnDataset, tmp_path):
    before = train(few, tmp_path)
    record = (before.folder / "model.json").read_bytes()
    assert train(few, tmp_path).folder == before.folder
    assert (before.folder / "model.json").read_bytes() == record
    assert [path.name for path in tmp_path.iterdir()] == [before.model_id]


def test_the_test_split_is_never_read(few: DrawnDataset, tmp_path):
    asked: list[str] = []

    def read(ids):
        asked.extend(ids)
        return few.read(ids)

    fit(TASK, few.manifest, read, SHORT, few.classes, tmp_path, DATASET, threads=1)
    assert set(asked).isdisjoint(few.test["image_id"])


def test_every_epoch_is_reported_as_it_ends(few: DrawnDataset, tmp_path):
    reports = []
    model = train(few, tmp_path, on_epoch=reports.append)
    assert [report.epoch for report in reports] == [1, 2]
    assert reports[-1].eta_s == 0
    assert {"train_loss", "val_loss", "val_accuracy"} <= set(reports[-1].metrics())
    assert model.history == tuple(reports)


def test_a_model_records_what_made_it(trained: TrainedModel):
    record = json.loads((trained.folder / "model.json").read_text())
    assert record["dataset"] == DATASET
    assert record["recipe"]["seed"] == 0
    assert record["environment"]["libraries"]["torch"]
    assert record["code_version"].startswith("0.")
    assert len(record["data_fingerprint"]) == 64


def test_no_val_split_is_no_obstacle(few: DrawnDataset, tmp_path):
    without = few.manifest[few.manifest["split"] != "val"]
    assert train(few, tmp_path, manifest=without).history[-1].val_loss is None


def test_one_class_alone_is_told(few: DrawnDataset, tmp_path):
    good = few.manifest[few.manifest["label"] == "good"]
    with pytest.raises(TrainingError, match="at least 2 classes in the train split, got 1"):
        train(few, tmp_path, manifest=good)


def test_no_training_image_is_told(few: DrawnDataset, tmp_path):
    with pytest.raises(
        TrainingError, match="expected labelled images in the train split, got none"
    ):
        train(few, tmp_path, manifest=few.test)


def test_a_label_of_no_class_is_told(few: DrawnDataset, tmp_path):
    classes = few.classes[:2]
    with pytest.raises(TrainingError, match=r"got \['spot'\]; add them to the classes"):
        fit(TASK, few.manifest, few.read, SHORT, classes, tmp_path, DATASET)


def test_an_image_that_was_removed_is_told(few: DrawnDataset, tmp_path):
    rows = few.manifest[few.manifest["split"] == "train"]
    kept = {key: data for key, data in few.images.items() if key != rows["image_id"].iloc[-1]}
    with pytest.raises(DatasetError, match="image"):
        train(DrawnDataset(few.manifest, kept), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_loss_that_is_no_number_stops_the_training(few: DrawnDataset, tmp_path):
    wild = SHORT.model_copy(update={"learning_rate": 1e30, "epochs": 5})
    with pytest.raises(TrainingError, match=r"lower recipe\.learning_rate"):
        train(few, tmp_path, wild)


def test_cuda_without_a_device_is_told(few: DrawnDataset, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(TrainingError, match="say device: auto or cpu"):
        train(few, tmp_path, SHORT.model_copy(update={"device": "cuda"}))


def test_settings_of_torch_are_as_before(few: DrawnDataset, tmp_path):
    import torch

    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    state = torch.get_rng_state()
    train(few, tmp_path, threads=1)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("name", "defect"), [("Good", False), ("ok", False), ("crack", True)])
def test_a_class_is_a_defect_unless_its_name_says_no(name: str, defect: bool):
    assert card_classes([ClassSpec(id=0, name=name)])[0].defect is defect


def test_what_the_spec_says_of_a_defect_wins():
    assert card_classes([ClassSpec(id=0, name="good", defect=True)])[0].defect is True
