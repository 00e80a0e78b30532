"""A training that is stopped goes on, and its weights are those of one that was not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.checkpoint import CHECKPOINTS_FOLDER, Checkpoint
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.progress import EpochReport
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset

TASK = load_task("classification")
PLAIN = ClassificationRecipe(image_size_px=32, epochs=4, batch_size=16)
RECIPES = {
    "plain": PLAIN,
    "average": PLAIN.model_copy(update={"average": 0.9, "schedule": "cosine"}),
    "best": PLAIN.model_copy(update={"keep": "best", "patience": 3, "schedule": "constant"}),
    "sampler": PLAIN.model_copy(update={"imbalance": "sampler", "augment": "colour"}),
    "mixed": PLAIN.model_copy(update={"precision": "amp", "imbalance": "weights"}),
    "dropout": PLAIN.model_copy(
        update={"network": "squeezenet1_1", "epochs": 2, "learning_rate": 1e-3}
    ),
}


class Stopped(Exception):
    """The process that trained is gone."""


def train(few: DrawnDataset, root: Path, recipe=PLAIN, **options) -> TrainedModel:
    return fit(
        TASK, few.manifest, few.read, recipe, few.classes, root, DATASET, threads=1, **options
    )


def train_until(epoch: int, few: DrawnDataset, root: Path, recipe=PLAIN) -> None:
    def stop(report: EpochReport) -> None:
        if report.epoch == epoch:
            raise Stopped

    with pytest.raises(Stopped):
        train(few, root, recipe, on_epoch=stop)


def checkpoints(root: Path) -> list[Path]:
    return sorted((root / CHECKPOINTS_FOLDER).glob("*"))


@pytest.mark.parametrize("how", RECIPES)
def test_the_weights_are_those_of_an_uninterrupted_training(how: str, few, tmp_path):
    recipe = RECIPES[how]
    train_until(1, few, tmp_path / "stopped", recipe)
    if recipe.epochs > 2:
        train_until(2, few, tmp_path / "stopped", recipe)
    resumed = train(few, tmp_path / "stopped", recipe)
    once = train(few, tmp_path / "once", recipe)
    assert resumed.record["weights_sha256"] == once.record["weights_sha256"]
    assert resumed.model_id == once.model_id
    assert resumed.calibration == once.calibration


def test_it_says_where_it_goes_on_and_tells_the_epochs_before(few: DrawnDataset, tmp_path):
    train_until(2, few, tmp_path)
    said: list[str] = []
    reports: list[EpochReport] = []
    model = train(few, tmp_path, say=said.append, on_epoch=reports.append)
    assert "resumed after epoch 2 of 4" in said
    assert [report.epoch for report in reports] == [1, 2, 3, 4]
    seconds = [report.seconds for report in model.history]
    assert seconds == sorted(seconds)


def test_a_training_that_was_stopped_after_its_last_epoch_trains_no_more(few, tmp_path):
    train_until(4, few, tmp_path)
    said: list[str] = []
    resumed = train(few, tmp_path, say=said.append)
    assert "resumed after epoch 4 of 4" in said
    assert resumed.model_id == train(few, tmp_path / "once").model_id


def test_nothing_is_left_of_a_training_that_is_done(few: DrawnDataset, tmp_path):
    train_until(1, few, tmp_path)
    assert len(checkpoints(tmp_path)) == 1
    model = train(few, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [model.model_id]


@pytest.mark.parametrize("change", [{"seed": 1}, {"learning_rate": 5e-3}, {"epochs": 5}])
def test_another_recipe_begins_anew(change: dict, few: DrawnDataset, tmp_path):
    train_until(2, few, tmp_path)
    said: list[str] = []
    train(few, tmp_path, PLAIN.model_copy(update=change), say=said.append)
    assert not [text for text in said if "resumed" in text]


def test_other_data_begin_anew(few: DrawnDataset, tmp_path):
    train_until(2, few, tmp_path)
    said: list[str] = []
    less = DrawnDataset(few.manifest.iloc[1:], few.images)
    train(less, tmp_path, say=said.append)
    assert not [text for text in said if "resumed" in text]


def test_a_checkpoint_that_was_cut_is_not_used(few: DrawnDataset, tmp_path):
    train_until(2, few, tmp_path / "cut")
    (saved,) = checkpoints(tmp_path / "cut")
    os.truncate(saved, saved.stat().st_size // 2)
    cut, once = train(few, tmp_path / "cut"), train(few, tmp_path / "once")
    assert cut.model_id == once.model_id


def test_who_does_not_want_to_resume_leaves_nothing(few: DrawnDataset, tmp_path):
    def stop(report: EpochReport) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        train(few, tmp_path, on_epoch=stop, resume=False)
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_that_nobody_took_up_are_bounded(tmp_path):
    for number in range(20):
        Checkpoint.of(tmp_path, number).save({"history": []})
    assert len(checkpoints(tmp_path)) == 8
    assert Checkpoint.of(tmp_path, 19).load() == {"history": []}


def test_a_state_comes_back_as_it_was(tmp_path):
    import torch

    state = {"history": [1, 2], "state": {0: {"step": torch.tensor(3.0)}, 7: None}, "x": 0.1}
    checkpoint = Checkpoint.of(tmp_path, "facts")
    checkpoint.save(state)
    assert checkpoint.load() == state
    assert checkpoint.n_epochs() == 2
    assert not checkpoints(tmp_path)[0].read_bytes().startswith((b"\x80", b"PK"))


def test_a_killed_process_costs_no_more_than_its_epoch(few: DrawnDataset, tmp_path):
    script = f"""
import sys
from pathlib import Path
from vision_assets_tests.vision.dataset.drawn_dataset import draw_dataset
from vision_assets_tests.vision.training.test_resume import train
root = Path({str(tmp_path / "killed")!r})
train(draw_dataset(10), root, on_epoch=lambda report: print(report.epoch, flush=True))
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == b"1"
    assert process.stdout.readline().strip() == b"2"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    said: list[str] = []
    resumed = train(few, tmp_path / "killed", say=said.append)
    assert [text for text in said if text.startswith("resumed")]
    assert resumed.model_id == train(few, tmp_path / "once").model_id
