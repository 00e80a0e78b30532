"""The trials of one search, in a database that outlives every process.

    <searches>/<study>/
      question.json   what is asked
      study.db        Optuna's SQLite database

Values are chosen by the tree-structured Parzen estimator (Bergstra et al., "Algorithms for
Hyper-Parameter Optimization", 2011); trials whose best epoch so far is worse than the median
of the others at that place are stopped (Golovin et al., "Google Vizier: A Service for
Black-Box Optimization", 2017).
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from vision_assets.vision.atomic import write_text
from vision_assets.vision.errors import SpecError, TrainingError
from vision_assets.vision.search.question import Question
from vision_assets.vision.search.trial import State, Trial
from vision_assets.vision.spec import RangeSpec
from vision_assets.vision.training.progress import EpochReport

DATABASE = "study.db"
QUESTION_FILE = "question.json"
_LOCK_WAIT_S = 60
_RANDOM_TRIALS = 6
_NEVER_PRUNED = 4
_PLACES = 10
"""Trials are compared at tenths of their epochs, as they may have different numbers of them."""
_FIRST_PLACE = 3
_DIGITS = 4
_FEWEST_VALUES = 3
_REASON, _EPOCHS, _RETRY_OF, _INTERRUPTED = "reason", "epochs", "retry_of", "interrupted"
_STATES: dict[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


class Study:
    """One study. One process writes it at a time; `search` holds the lock for that."""

    def __init__(self, question: Question, study: optuna.Study) -> None:
        self.question = question
        self._study = study
        self._running: dict[int, optuna.Trial] = {}
        self._places: dict[int, int] = {}
        self._distributions = {
            name: _distribution(values) for name, values in question.space.items()
        }

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.question.name

    def trials(self) -> list[Trial]:
        """All trials that were begun, in their order."""
        return [
            self._trial(found)
            for found in self._study.get_trials(deepcopy=False)
            if found.state in _STATES
        ]

    def best(self) -> Trial | None:
        """The finished trial with the best value; among equals, the first; None: there is none."""
        sign = 1 if self.question.direction == "minimize" else -1
        trials = self.trials()
        ranked = [(sign * each.value, each.number) for each in trials if each.value is not None]
        return trials[min(ranked)[1]] if ranked else None

    def recipe(self, trial: Trial) -> dict[str, Any]:
        """The whole recipe of a trial."""
        return self.question.recipe | trial.params

    def importances(self) -> dict[str, float]:
        """Share of each field in how the values of finished trials differ, most first.

        By functional analysis of variance (Hutter et al., "An Efficient Approach for Assessing
        Hyperparameter Importance", 2014). Empty where there are too few trials, or no
        difference, to tell.
        """
        values = {trial.value for trial in self.trials() if trial.value is not None}
        if len(values) < _FEWEST_VALUES:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=self.question.seed)
        found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {name: float(share) for name, share in found.items()}

    def begin(self) -> Trial:
        """Begin the next trial: one that was interrupted, or new values.

        The values of a trial depend on the seed, its place and the trials before it; not on
        how often the search was interrupted.
        """
        known = self.trials()
        self._enqueue_retries()
        if not known:
            self._enqueue_start()
        place = sum(trial.counts or trial.state == "running" for trial in known)
        self._study.sampler = _sampler(self.question.seed, place)
        begun = self._study.ask(self._distributions)
        self._running[begun.number] = begun
        return self._trial(self._frozen(begun.number))

    def report(self, number: int, report: EpochReport) -> bool:
        """Take in an epoch of a trial; one that says nothing of val is not compared.

        Returns:
            Whether the trial shall go on.

        Raises:
            SpecError: the training does not watch the figure that is searched by.
        """
        metrics = report.metrics()
        if report.epoch < report.epochs and not _of_val(metrics):
            return True
        value = self._value(metrics)
        trial, place = self._running[number], report.epoch * _PLACES // report.epochs
        if place == self._places.get(number):
            return True
        self._places[number] = place
        trial.report(value, place)
        return report.epoch == report.epochs or not trial.should_prune()

    def finish(self, number: int, metrics: dict[str, float], epochs: int) -> Trial:
        """Record the figures of a trial's model."""
        return self._end(number, TrialState.COMPLETE, epochs, value=self._value(metrics))

    def prune(self, number: int, epochs: int) -> Trial:
        """Record that a trial was stopped."""
        return self._end(number, TrialState.PRUNED, epochs)

    def fail(self, number: int, epochs: int, reason: str) -> Trial:
        """Record that a recipe could not be trained, and why."""
        self._running[number].set_user_attr(_REASON, reason)
        return self._end(number, TrialState.FAIL, epochs)

    def interrupt(self) -> list[Trial]:
        """Mark the trials that no process works on any more; they are tried again."""
        left = [trial for trial in self.trials() if trial.state == "running"]
        for trial in left:
            identity = self._frozen(trial.number)._trial_id
            optuna.trial.Trial(self._study, identity).set_user_attr(_INTERRUPTED, True)
            self._study.tell(trial.number, state=TrialState.FAIL)
            self._running.pop(trial.number, None)
        return left

    def _enqueue_retries(self) -> None:
        found = self._study.get_trials(deepcopy=False)
        retried = {trial.user_attrs.get(_RETRY_OF) for trial in found}
        for trial in found:
            if trial.user_attrs.get(_INTERRUPTED) and trial.number not in retried:
                self._study.enqueue_trial(trial.params, user_attrs={_RETRY_OF: trial.number})

    def _enqueue_start(self) -> None:
        """The first trial is the recipe itself, as far as it lies in the space."""
        start = {
            name: self.question.recipe[name]
            for name, values in self.question.space.items()
            if _lies_in(self.question.recipe[name], values)
        }
        self._study.enqueue_trial(start)

    def _end(
        self, number: int, state: TrialState, epochs: int, value: float | None = None
    ) -> Trial:
        self._running.pop(number).set_user_attr(_EPOCHS, epochs)
        self._study.tell(number, value, state)
        return self._trial(self._frozen(number))

    def _value(self, metrics: dict[str, float]) -> float:
        if self.question.curve in metrics:
            return metrics[self.question.curve]
        known = _of_val(metrics)
        if not known:
            raise empty_val()
        raise SpecError(
            f"expected search.metric to be one of {known}, which the training watches, got "
            f"{self.question.metric!r}; set search.metric"
        )

    def _frozen(self, number: int) -> FrozenTrial:
        return self._study.get_trials(deepcopy=False)[number]

    def _shown(self, name: str, value: Any) -> Any:
        """Rounded where it was drawn from a range; a listed value is as it was written."""
        return _rounded(value) if isinstance(self.question.space[name], RangeSpec) else value

    def _trial(self, found: FrozenTrial) -> Trial:
        interrupted = found.user_attrs.get(_INTERRUPTED, False)
        return Trial(
            number=found.number,
            state="interrupted" if interrupted else _STATES[found.state],
            params={name: self._shown(name, value) for name, value in found.params.items()},
            value=found.value if found.state == TrialState.COMPLETE else None,
            epochs=found.user_attrs.get(_EPOCHS, 0),
            seconds=found.duration.total_seconds() if found.duration else None,
            reason=found.user_attrs.get(_REASON, ""),
        )


@contextmanager
def opened(root: Path, question: Question) -> Iterator[Study]:
    """The study of a question; made when it is asked for the first time.

    Args:
        root: folder of the use case's searches.
        question: what is asked.
    """
    folder = root / question.name
    if not (folder / QUESTION_FILE).exists():
        write_text(folder / QUESTION_FILE, question.model_dump_json(indent=2))
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = optuna.storages.RDBStorage(
        f"sqlite:///{folder / DATABASE}",
        engine_kwargs={"connect_args": {"timeout": _LOCK_WAIT_S}},
    )
    try:
        yield Study(
            question,
            optuna.create_study(
                study_name=question.name,
                storage=storage,
                direction=question.direction,
                pruner=optuna.pruners.MedianPruner(_NEVER_PRUNED, _FIRST_PLACE),
                load_if_exists=True,
            ),
        )
    finally:
        storage.remove_session()
        storage.engine.dispose()


def empty_val() -> TrainingError:
    """That there is nothing to compare trials on."""
    return TrainingError(
        "a search compares trials on the val split, which is empty; label more images or raise "
        "splits.val"
    )


def latest_question(root: Path) -> Question | None:
    """The question of the study that was written last; None: nothing was searched yet."""
    databases = root.glob(f"*/{DATABASE}")
    latest = max(databases, key=lambda path: path.stat().st_mtime, default=None)
    if latest is None:
        return None
    return Question.model_validate_json((latest.parent / QUESTION_FILE).read_text())


def seconds_to_go(trials: list[Trial], remaining: int, parallel: int) -> float | None:
    """Estimated from the trials so far; None before the first has ended."""
    seconds = [trial.seconds for trial in trials if trial.counts and trial.seconds is not None]
    return statistics.fmean(seconds) * remaining / parallel if seconds else None


def _of_val(metrics: dict[str, float]) -> list[str]:
    return [name.removeprefix("val_") for name in metrics if name.startswith("val_")]


def _distribution(values: RangeSpec | tuple[Any, ...]) -> BaseDistribution:
    if not isinstance(values, RangeSpec):
        return CategoricalDistribution(values)
    if isinstance(values.low, int) and isinstance(values.high, int):
        return IntDistribution(values.low, values.high, log=values.log)
    return FloatDistribution(values.low, values.high, log=values.log)


def _lies_in(value: Any, values: RangeSpec | tuple[Any, ...]) -> bool:
    if isinstance(values, RangeSpec):
        return value is not None and values.low <= value <= values.high
    return value in values


def _sampler(seed: int, place: int) -> optuna.samplers.BaseSampler:
    """A generator for each place: a study that goes on does not repeat its first draws."""
    own = int(np.random.SeedSequence([seed, place]).generate_state(1)[0])
    return optuna.samplers.TPESampler(n_startup_trials=_RANDOM_TRIALS, seed=own)


def _rounded(value: Any) -> Any:
    """As many digits as a person would write into YAML."""
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
