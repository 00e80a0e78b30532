"""Searches with real trainings in processes of their own, which are killed and fail."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from vision_assets.vision.cores import available_cores
from vision_assets.vision.errors import StoreLocked, TrainingError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.search.question import question_of
from vision_assets.vision.search.search import Bounds, Progress, search, trials_at_a_time
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, draw_dataset
from vision_assets_tests.vision.search.searches import question, training, trials_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def few() -> DrawnDataset:
    """Without its test images: who asks for one fails."""
    drawn = draw_dataset(per_class=10)
    kept = set(drawn.manifest["image_id"]) - set(drawn.test["image_id"])
    return DrawnDataset(drawn.manifest, {name: drawn.images[name] for name in kept})


def nobody(progress: Progress) -> None:
    """Where nobody watches."""


def test_two_trials_at_a_time_share_a_study(few: DrawnDataset, tmp_path: Path):
    told: list[Progress] = []
    search(tmp_path, question(epochs=2), training(few), Bounds(4, parallel=2), told.append)
    trials = trials_of(tmp_path, question(epochs=2))
    assert [trial.number for trial in trials] == [0, 1, 2, 3]
    assert [progress.done for progress in told] == [1, 2, 3, 4]
    assert told[-1].eta_s == 0
    assert "4/4 done, best" in told[-1].line()


def test_only_the_study_remains_and_more_trials_go_on(few: DrawnDataset, tmp_path: Path):
    asked = question(epochs=2)
    for trials in (1, 2, 2):
        search(tmp_path, asked, training(few), Bounds(trials), nobody)
        assert len(trials_of(tmp_path, asked)) == trials
    assert {path.name for path in tmp_path.iterdir()} == {asked.name, "search.lock"}


def test_a_recipe_that_cannot_be_trained_is_recorded_and_the_search_goes_on(
    few: DrawnDataset, tmp_path: Path
):
    asked = question({"network": ["small", "inception_v3", "maxvit_t"]}, epochs=1)
    search(tmp_path, asked, training(few), Bounds(6), nobody)
    trials = trials_of(tmp_path, asked)
    failed = [trial for trial in trials if trial.state == "failed"]
    assert len(trials) == 6
    assert failed
    assert all("takes no images of" in trial.reason for trial in failed)


def test_a_memory_bank_is_searched_by_its_loss(few: DrawnDataset, tmp_path: Path):
    task = load_task("anomaly")
    recipe = {"method": "memory_bank", "image_size_px": 32, "bank_size": 64, "epochs": 2}
    said = {"source": {"landing": "none"}, "recipe": recipe}
    said["search"] = {"space": {"neighbours": [1, 3]}}
    asked = question_of(task, AnomalySpec.model_validate(said), DATASET)
    with_memory_bank = replace(training(few), task=task)
    search(tmp_path, asked, with_memory_bank, Bounds(2), nobody)
    assert [trial.state for trial in trials_of(tmp_path, asked)] == ["finished", "finished"]


def test_an_empty_val_split_is_told_before_anything_is_trained(few: DrawnDataset, tmp_path: Path):
    rows = few.manifest.query("split == 'train'")
    with pytest.raises(TrainingError, match=r"raise splits\.val"):
        search(tmp_path, question(), replace(training(few), rows=rows), Bounds(1), nobody)
    assert not list(tmp_path.iterdir())


def test_when_nothing_finishes_the_reason_is_told(few: DrawnDataset, tmp_path: Path):
    asked = question({"network": ["inception_v3"]}, epochs=1)
    with pytest.raises(TrainingError, match="no trial of .* finished; .*inception_v3"):
        search(tmp_path, asked, training(few), Bounds(2), nobody)


def test_images_that_are_gone_are_the_reason_and_end_no_process(few: DrawnDataset, tmp_path: Path):
    gone = training(DrawnDataset(few.manifest, {}))
    with pytest.raises(TrainingError, match="no trial of .* finished; .*DatasetError"):
        search(tmp_path, question(epochs=1), gone, Bounds(2), nobody)


def test_one_search_of_a_use_case_runs_at_a_time(few: DrawnDataset, tmp_path: Path):
    with file_lock(tmp_path / "search.lock", 0), pytest.raises(StoreLocked):
        search(tmp_path, question(), training(few), Bounds(1), nobody)


def test_no_more_trials_at_a_time_than_cores():
    assert trials_at_a_time(10_000, "cpu") == available_cores()
    assert trials_at_a_time(None, "cpu") == max(1, available_cores() // 2)


def _wait(happened, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_search_that_is_killed_goes_on_where_it_was(few: DrawnDataset, tmp_path: Path):
    program = [sys.executable, "-m", "vision_assets_tests.vision.search.searches", tmp_path, "2"]
    process = subprocess.Popen(program, stdout=subprocess.PIPE, env=os.environ)
    assert process.stdout is not None
    assert b"1/2 done" in process.stdout.readline()
    _wait(lambda: any((tmp_path / "scratch").iterdir()))
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.stdout.close()
    process.wait()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive, "a worker outlives its search"
    assert [trial.state for trial in trials_of(tmp_path, question())] == ["finished", "running"]

    search(tmp_path, question(), training(few), Bounds(2), nobody)
    trials = trials_of(tmp_path, question())
    assert trials[1].state == "interrupted"
    assert trials[2].params == trials[1].params
    assert sum(trial.counts for trial in trials) == 2
    assert not (tmp_path / "scratch").exists()
