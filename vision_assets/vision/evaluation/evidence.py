"""The evidence: what a bundle did on one set of images, and how sure each figure of it is."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.bootstrap import intervals
from vision_assets.vision.evaluation.costs import (
    ABOUT_DEFECTS,
    DECISION_FIGURES,
    Consequences,
    consequences,
    decision_figures,
)
from vision_assets.vision.evaluation.figure import UNSEEN, Figure, Interval
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.slices import parts
from vision_assets.vision.inference.answers import NOTHING
from vision_assets.vision.inference.decision import ORIGIN
from vision_assets.vision.spec import CostSpec
from vision_assets.vision.tasks.task import Task


def outcomes_of(scorecard: Scorecard, rows: pd.DataFrame) -> pd.DataFrame:
    """Predictions of the images in `rows`, in that order, with their `group` where there is one."""
    outcomes = scorecard.predictions.set_index("image_id").loc[rows["image_id"]].reset_index()
    if "group" in rows:
        return outcomes.assign(group=rows["group"].to_numpy())
    return outcomes


@dataclass(frozen=True)
class Evidence:
    """A scorecard with all that its figures can be computed from again.

    Attributes:
        task: the plug-in.
        scorecard: what was found.
        rows: the manifest rows of the same images; those of one `group` depend on each other.
        costs: of wrong decisions.
    """

    task: Task
    scorecard: Scorecard
    rows: pd.DataFrame
    costs: CostSpec

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """One row per image, in the order of `rows`, with its `group` where it has one."""
        return outcomes_of(self.scorecard, self.rows)

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Every figure that has one: those of the task, and those of what was decided."""
        return intervals(self.outcomes, self.figures)

    @cached_property
    def consequences(self) -> Consequences | None:
        """What the bundle's own thresholds led to; None where it decides nothing."""
        if self.decides_nothing:
            return None
        return consequences(self.outcomes, self.costs)

    @property
    def decides_nothing(self) -> str | None:
        """Why the bundle has no thresholds; None where it has."""
        card = self.scorecard.card
        if card.thresholds:
            return None
        return card.options.get(ORIGIN, "it was exported by an earlier release")

    @property
    def metrics(self) -> dict[str, float]:
        """Figures of all images by name; those of decisions where the bundle takes any."""
        decided = {name: self.interval(name).value for name in DECISION_FIGURES}
        found = self.scorecard.metrics | decided
        return {name: float(value) for name, value in found.items() if not math.isnan(value)}

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
        """Figures of weighted outcomes, as the bootstrap asks for them."""
        decided = decision_figures(outcomes, weights, self.costs)
        return self.task.figures(outcomes, weights) | decided

    def seen(self, outcomes: pd.DataFrame) -> dict[str, float]:
        """The figures when each outcome counts once."""
        found = self.figures(outcomes, np.ones((1, len(outcomes))))
        return {name: float(figure.values[0]) for name, figure in found.items()}

    def interval(self, metric: str) -> Interval:
        """A figure by name; without an interval where it is none of outcomes, as a latency.

        Raises:
            SpecError: there is none of this name.
        """
        if metric in self.intervals:
            return self.intervals[metric]
        figure, _, label = metric.partition("/")
        if figure in DECISION_FIGURES or (label in self.labels() and self._has_interval(figure)):
            return UNSEEN
        value = self.scorecard.value(metric)
        of_class = self.outcomes["label"] == label
        return Interval(value, np.nan, np.nan, int(of_class.sum()) if label else len(of_class))

    def labels(self, metric: str = "") -> list[str]:
        """Names of the classes that a figure is about; of all classes where none is named.

        Raises:
            SpecError: there is no such figure of a class.
        """
        labels = [str(label) for label in self.scorecard.per_class["label"]]
        if metric in ABOUT_DEFECTS:
            defect = {entry.name: entry.defect for entry in self.scorecard.card.classes}
            return [label for label in labels if defect.get(label) == ABOUT_DEFECTS[metric]]
        if not metric or metric in DECISION_FIGURES:
            return labels
        return [label for label in labels if not self._is_undefined(metric, label)]

    def of_parts(self, metric: str, column: str) -> dict[str, Interval]:
        """A figure in every part of the images, by a column of the manifest.

        Raises:
            SpecError: the manifest has no such column, or there is no such figure.
        """
        self.interval(metric)
        names = parts(self.rows, column).astype(object).to_numpy()
        return {
            str(name): intervals(self.outcomes[names == name], self.figures).get(metric, UNSEEN)
            for name in sorted(set(names))
        }

    def _is_undefined(self, figure: str, label: str) -> bool:
        """Whether images of a class can say nothing, as of the AUROC of normal ones."""
        per_class = self.scorecard.per_class
        of_class = per_class[per_class["label"] == label]
        shown = "support" in of_class and bool((of_class["support"] > 0).all())
        unknown = math.isnan(self.interval(f"{figure}/{label}").value)
        return unknown and (shown or label == NOTHING)

    def _has_interval(self, figure: str) -> bool:
        return any(name.startswith(f"{figure}/") for name in self.intervals)
