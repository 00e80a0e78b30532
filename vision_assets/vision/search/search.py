"""Search: begin trials in processes of their own until the study has as many as are asked for."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

from vision_assets.vision.cores import available_cores
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.search.question import Question
from vision_assets.vision.search.study import Study, empty_val, opened, seconds_to_go
from vision_assets.vision.search.trial import Trial
from vision_assets.vision.search.worker import Failed, Finished, Message, Stopped, Training, Worker
from vision_assets.vision.training.device import choose_device
from vision_assets.vision.training.progress import EpochReport

_CORES_OF_A_TRIAL = 2


@dataclass(frozen=True)
class Bounds:
    """How much is searched.

    Attributes:
        trials: how many the study shall have; those of earlier searches count.
        parallel: how many at a time; None: as many as the machine has room for.
        timeout_s: none is begun after it; None: no end.
    """

    trials: int
    parallel: int | None = None
    timeout_s: float | None = None


@dataclass(frozen=True)
class Progress:
    """A trial has ended.

    Attributes:
        trial: that one.
        done: trials of the study so far.
        trials: how many there shall be.
        best: the best of them; None: none has finished.
        eta_s: estimated seconds until the search ends.
    """

    trial: Trial
    done: int
    trials: int
    best: Trial | None
    eta_s: float

    def line(self) -> str:
        """One line for a log."""
        trial = self.trial
        tried = ", ".join(f"{name} {value}" for name, value in trial.params.items())
        value = "" if trial.value is None else f" {trial.value:.4g}"
        best = "" if self.best is None else f", best {self.best.value:.4g} of {self.best.number}"
        reason = f" ({trial.reason})" if trial.reason else ""
        return (
            f"trial {trial.number} {trial.state}{value}{reason}: {tried}; "
            f"{self.done}/{self.trials} done{best}; {self.eta_s:.0f} s to go"
        )


OnTrial = Callable[[Progress], None]


def search(
    root: Path, question: Question, training: Training, bounds: Bounds, on_trial: OnTrial
) -> None:
    """Try recipes on the train split, compare them on the val split; the test split is not there.

    What a search that was killed left behind is tried again first. One search of a use case
    runs at a time. With one trial at a time the recipes are the same for the same question.

    Args:
        root: folder of the use case's searches; the study is kept there, models are not.
        question: what is asked.
        training: what trials train on.
        bounds: how much is searched.
        on_trial: told after each trial.

    Raises:
        StoreLocked: another process searches.
        SpecError: the training does not watch the metric of the question.
        TrainingError: the val split is empty, or no trial of the study finished.
    """
    if not (training.rows["split"] == "val").any():
        raise empty_val()
    with (
        file_lock(root / "search.lock", wait_s=0),
        _scratch(root) as scratch,
        opened(root, question) as study,
    ):
        study.interrupt()
        parallel = trials_at_a_time(bounds.parallel, question.recipe["device"])
        threads = max(1, available_cores() // parallel)
        _Search(study, training, bounds, on_trial, parallel, threads, scratch).run()
        if study.best() is None:
            raise _nothing_finished(study)


def trials_at_a_time(asked: int | None, device: str) -> int:
    """How many trials run beside each other: as asked, at most one for each core.

    Args:
        asked: None: one for two cores; one alone where they share a CUDA device.
        device: of the recipe.
    """
    if asked is not None:
        return min(asked, available_cores())
    if choose_device(device).type == "cuda":
        return 1
    return max(1, available_cores() // _CORES_OF_A_TRIAL)


class _Search:
    """The state of one search: workers, and the trial that each is at."""

    def __init__(
        self,
        study: Study,
        training: Training,
        bounds: Bounds,
        on_trial: OnTrial,
        parallel: int,
        threads: int,
        scratch: Path,
    ) -> None:
        self.study, self.bounds, self.on_trial = study, bounds, on_trial
        self.parallel = parallel
        self.new_worker = lambda: Worker(training, threads, scratch)
        self.idle: list[Worker] = []
        self.busy: dict[Worker, int] = {}
        self.epochs: dict[int, int] = {}
        self.ends_at = time.monotonic() + (bounds.timeout_s or float("inf"))

    def run(self) -> None:
        """Until there are enough trials, or time is up."""
        try:
            while self._fill():
                ready = wait([worker.connection for worker in self.busy])
                for worker in [each for each in self.busy if each.connection in ready]:
                    self._take(worker, worker.receive())
        finally:
            for worker in [*self.idle, *self.busy]:
                worker.close()
            self.study.interrupt()

    def _fill(self) -> bool:
        """Begin trials where there is room; whether any runs."""
        done = sum(trial.counts for trial in self.study.trials())
        while (
            len(self.busy) < self.parallel
            and done + len(self.busy) < self.bounds.trials
            and time.monotonic() < self.ends_at
        ):
            worker = self.idle.pop() if self.idle else self.new_worker()
            trial = self.study.begin()
            worker.train(self.study.recipe(trial))
            self.busy[worker], self.epochs[trial.number] = trial.number, 0
        return bool(self.busy)

    def _take(self, worker: Worker, message: Message) -> None:
        number = self.busy[worker]
        if isinstance(message, EpochReport):
            self.epochs[number] = message.epoch
            worker.answer(self.study.report(number, message))
            return
        ended = self._record(number, message)
        del self.busy[worker]
        if worker.alive:
            self.idle.append(worker)
        else:
            worker.close()
        self._tell(ended)

    def _record(self, number: int, message: Finished | Stopped | Failed) -> Trial:
        epochs = self.epochs.pop(number)
        match message:
            case Finished(metrics):
                return self.study.finish(number, metrics, epochs)
            case Stopped():
                return self.study.prune(number, epochs)
            case Failed(reason):
                return self.study.fail(number, epochs, reason)

    def _tell(self, ended: Trial) -> None:
        trials = self.study.trials()
        done = sum(trial.counts for trial in trials)
        to_go = seconds_to_go(trials, max(0, self.bounds.trials - done), self.parallel)
        best = self.study.best()
        self.on_trial(Progress(ended, done, self.bounds.trials, best, to_go or 0.0))


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """A folder for the models of trials; what a search that was killed left there goes too."""
    folder = root / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _nothing_finished(study: Study) -> TrainingError:
    reasons = [trial.reason for trial in study.trials() if trial.reason]
    last = f"; the last that failed said: {reasons[-1]}" if reasons else ""
    return TrainingError(
        f"no trial of {study.name} finished{last}. Change search.space, or allow more trials or "
        "more time"
    )
