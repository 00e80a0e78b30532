"""The scorecard: how one bundle answered on one set of images."""

from dataclasses import dataclass, field

import pandas as pd

from vision_assets.vision.errors import SpecError
from vision_assets.vision.inference.bundle import Card


@dataclass(frozen=True)
class Scorecard:
    """What a bundle did, from bytes, through the code that serves.

    Attributes:
        card: of the bundle.
        metrics: figures by name; the latencies are milliseconds of one image at a time, from
            bytes to answer.
        per_class: one row per class, `class_id`, `label`, then figures.
        confusion: counts; rows are labels, columns what was predicted.
        predictions: one row per image: `image_id`, `label`, `predicted`, `score`, `correct`,
            `error`, `answer` (all that the bundle said, as JSON).
        slices: one row per value of each column reported by, the worst first: `column`, `value`,
            `n`, `correct` (share), `low` and `high` (its interval), and the rates of escapes and
            overkill alike; see `evaluation.slices`.
        curves: tables that the task's own plots are drawn from, by name.
    """

    card: Card
    metrics: dict[str, float]
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    predictions: pd.DataFrame
    slices: pd.DataFrame
    curves: dict[str, pd.DataFrame] = field(default_factory=dict)

    def value(self, metric: str) -> float:
        """A metric, or a figure of one class, as in `recall/scratches`.

        Raises:
            SpecError: there is none of this name.
        """
        if metric in self.metrics:
            return self.metrics[metric]
        figure, _, label = metric.partition("/")
        rows = self.per_class[self.per_class["label"] == label]
        if len(rows) == 1 and figure in self.figures:
            return float(rows.iloc[0][figure])
        raise SpecError(
            f"expected a metric of {sorted(self.metrics)}, or <figure>/<class> with a figure of "
            f"{list(self.figures)} and a class of {list(self.per_class['label'])}, got {metric!r}"
        )

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that each class has."""
        return tuple(
            str(name) for name in self.per_class.columns if name not in ("class_id", "label")
        )

    def worst(self, n: int) -> pd.DataFrame:
        """The n wrong answers with the largest error, worst first."""
        wrong = self.predictions[~self.predictions["correct"].astype(bool)]
        return wrong.sort_values(["error", "image_id"], ascending=[False, True]).head(n)
