"""What a study keeps, and that an interruption changes nothing of what is tried."""

from collections.abc import Callable
from pathlib import Path

import pytest

from vision_assets.vision.errors import SpecError, TrainingError
from vision_assets.vision.search.plots import history, importances, values_tried
from vision_assets.vision.search.study import Study, latest_question, opened
from vision_assets.vision.search.trial import Trial
from vision_assets.vision.training.progress import EpochReport
from vision_assets_tests.vision.search.searches import question

EPOCHS = 10


def epoch(number: int, accuracy: float, epochs: int = EPOCHS) -> EpochReport:
    metrics = {"accuracy": accuracy}
    return EpochReport(number, epochs, 0.1, 0.1, metrics, seconds=1, eta_s=1, images_per_s=1)


def quality(trial: Trial) -> float:
    """A recipe is the better, the nearer its learning rate is to 0.01."""
    return 1 - abs(trial.params["learning_rate"] - 0.01)


def go_on(study: Study, trials: int, value: Callable[[Trial], float] = quality) -> None:
    """Begin and finish trials."""
    for _ in range(trials):
        trial = study.begin()
        study.finish(trial.number, {"val_accuracy": value(trial)}, EPOCHS)


@pytest.fixture
def study(tmp_path: Path):
    with opened(tmp_path, question()) as opened_study:
        yield opened_study


def counted(study: Study) -> list[dict[str, object]]:
    return [trial.params for trial in study.trials() if trial.counts]


def test_the_first_trial_is_the_recipe_itself(study: Study):
    first = study.begin()
    assert study.recipe(first) == study.question.recipe


def test_an_interrupted_search_tries_what_an_uninterrupted_one_tries(tmp_path: Path):
    with opened(tmp_path / "whole", question()) as whole:
        go_on(whole, 9)
        expected = counted(whole)
    for already in (1, 6, 2):
        with opened(tmp_path / "parts", question()) as part:
            part.interrupt()
            go_on(part, already)
            part.begin()
    with opened(tmp_path / "parts", question()) as part:
        assert [trial.number for trial in part.interrupt()] == [11]
        assert counted(part) == expected
        assert [trial.state for trial in part.trials()].count("interrupted") == 3


def test_another_seed_tries_other_values(tmp_path: Path):
    found = []
    for seed in (0, 1):
        with opened(tmp_path, question(seed=seed)) as study:
            go_on(study, 3)
            found.append(counted(study))
    assert found[0][1:] != found[1][1:]


def test_a_trial_that_is_worse_than_the_median_is_stopped(study: Study):
    for _ in range(4):
        good = study.begin().number
        assert all(study.report(good, epoch(number, 0.9)) for number in range(1, EPOCHS + 1))
        study.finish(good, {"val_accuracy": 0.9}, EPOCHS)
    bad = study.begin().number
    answers = [study.report(bad, epoch(number, 0.2)) for number in range(1, EPOCHS + 1)]
    assert answers.index(False) == 2, "not before three tenths of its epochs"
    assert study.prune(bad, epochs=4).state == "pruned"


def test_of_many_epochs_one_in_a_tenth_is_compared(study: Study, recwarn):
    number = study.begin().number
    assert all(study.report(number, epoch(done, 0.5, epochs=25)) for done in range(1, 26))
    assert not recwarn.list, "Optuna warns of a second value at the same place"


def test_the_last_epoch_ends_a_trial_by_itself(study: Study):
    go_on(study, 5)
    assert study.report(study.begin().number, epoch(EPOCHS, 0.0))


def test_among_equals_the_first_is_best(study: Study):
    go_on(study, 4, value=lambda trial: 0.5)
    best = study.best()
    assert best is not None
    assert best.number == 0


def test_the_smallest_loss_is_best(tmp_path: Path):
    with opened(tmp_path, question(metric="loss")) as study:
        for loss in (0.3, 0.1, 0.2):
            study.finish(study.begin().number, {"val_loss": loss}, EPOCHS)
        best = study.best()
    assert best is not None
    assert best.value == 0.1


def test_nothing_finished_is_no_best(study: Study):
    study.fail(study.begin().number, 0, "TrainingError: the loss became nan")
    assert study.best() is None
    assert study.trials()[0].reason == "TrainingError: the loss became nan"


def test_a_metric_that_is_not_watched_is_told(tmp_path: Path):
    with (
        opened(tmp_path, question(metric="recal")) as study,
        pytest.raises(SpecError, match=r"one of \['accuracy', 'loss'\].*got 'recal'"),
    ):
        study.finish(study.begin().number, {"val_accuracy": 1, "val_loss": 0}, EPOCHS)


def test_a_training_may_look_at_val_behind_its_last_epoch_alone(study: Study):
    number = study.begin().number
    unseen = EpochReport(1, 2, 0.1, None, {}, seconds=1, eta_s=1, images_per_s=1)
    assert study.report(number, unseen)
    assert study.report(number, epoch(2, 0.9, epochs=2))


def test_a_metric_that_is_not_watched_is_told_at_the_first_epoch(tmp_path: Path):
    with (
        opened(tmp_path, question(metric="recal")) as study,
        pytest.raises(SpecError, match="got 'recal'"),
    ):
        study.report(study.begin().number, epoch(1, 0.9))


def test_an_empty_val_split_is_told(study: Study):
    with pytest.raises(TrainingError, match=r"raise splits\.val"):
        study.finish(study.begin().number, {"train_loss": 0.1}, EPOCHS)


def test_what_matters_is_found_and_drawn(study: Study):
    assert study.importances() == {}
    go_on(study, 12)
    shares = study.importances()
    assert shares["learning_rate"] > shares["augment"]
    trials, asked = study.trials(), study.question
    for png in (history(trials, asked), values_tried(trials, asked), importances(shares)):
        assert png.startswith(b"\x89PNG")
        assert len(png) < 22_000, "all of them travel in one event of 100 kB"


def test_a_listed_number_is_tried_and_drawn_as_it_is_written(tmp_path: Path):
    listed = (0.0033333, 0.0066667)
    with opened(tmp_path, question({"learning_rate": list(listed)})) as study:
        go_on(study, 3)
        trials = study.trials()
    assert {trial.params["learning_rate"] for trial in trials} <= set(listed)
    assert values_tried(trials, study.question).startswith(b"\x89PNG")


def test_the_last_study_is_found_again(study: Study, tmp_path: Path):
    go_on(study, 1)
    assert latest_question(tmp_path) == study.question
