"""What the trainings of a row say together.

A promised rate of false alarms is tested by the exact binomial test, of each training and of all
together. Trainings share images, so that the pooled test finds a broken promise more often than
its level says: it errs against the project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import pandas as pd

from benchmarks.quality.rows import Row
from benchmarks.quality.training import Result
from vision_assets.vision.tasks.anomaly.false_alarms import PROMISED_RATE, Kept, kept

REFUTED_BELOW = 0.01


@dataclass(frozen=True)
class Verdict:
    """The figure of a row over its seeds.

    Attributes:
        row: what was asked for.
        values: of the figure, one for each training.
        longest_s: seconds of the longest training.
        false_alarms: of each training, then of all together; empty where nobody asks.
    """

    row: Row
    values: tuple[float, ...]
    longest_s: float
    false_alarms: tuple[Kept, ...] = ()

    @property
    def mean(self) -> float:
        return mean(self.values)

    @property
    def kept(self) -> bool:
        """Whether no test refutes the promise."""
        return all(found.p_value >= REFUTED_BELOW for found in self.false_alarms)

    @property
    def in_time(self) -> bool:
        """Whether no training took longer than the row allows."""
        return self.longest_s <= self.row.minutes * 60

    @property
    def reached(self) -> str:
        """`goal`, `floor` or `no`; `over time` where a figure took longer than it may."""
        least = self.row.least
        short = least is not None and min(self.values) < least
        if not self.kept or short or self.mean < self.row.floor:
            return "no"
        if not self.in_time:
            return "over time"
        return "goal" if self.mean >= self.row.goal else "floor"


def verdict(row: Row, results: Sequence[Result]) -> Verdict:
    """Of the trainings of a row, at least one."""
    return Verdict(
        row=row,
        values=tuple(result.scorecard.value(row.figure) for result in results),
        longest_s=max(result.train_s for result in results),
        false_alarms=_of_results(results) if row.tests_promise else (),
    )


def _of_results(results: Sequence[Result]) -> tuple[Kept, ...]:
    cards = [result.scorecard for result in results]
    promised = float(cards[0].card.options[PROMISED_RATE])
    return false_alarms([card.predictions for card in cards], promised)


def false_alarms(outcomes: Sequence[pd.DataFrame], promised: float) -> tuple[Kept, ...]:
    """A promised rate, tested on the outcomes of each training and on all of them.

    Raises:
        ValueError: a training has no normal image that tests it.
    """
    found = [kept(each, promised) for each in (*outcomes, pd.concat(outcomes))]
    tested = tuple(each for each in found if each is not None)
    if len(tested) < len(found):
        raise ValueError("expected normal images in the test split, got none; raise splits.test")
    return tested
