"""The plots of a detection report."""

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.curve_plots import precision_recall_curves
from vision_assets.vision.evaluation.drawing import (
    FAINT,
    SERIES,
    legend_above,
    new_figure,
    png,
    short,
)
from vision_assets.vision.evaluation.plots import class_bars, confusion_matrix
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.tasks.detection.measure import ERROR_KINDS, PRECISION_RECALL

_MOST_CLASSES = len(SERIES)
_OTHERS = "(others)"
_SIZES = {
    "average_precision_small": "small",
    "average_precision_medium": "medium",
    "average_precision_large": "large",
}


def plots(scorecard: Scorecard) -> dict[str, bytes]:
    """PNG by title; curves where there are objects."""
    curves, per_class = scorecard.curves, scorecard.per_class
    drawn = {
        "confusion matrix": confusion_matrix(scorecard.confusion),
        "per class": class_bars(per_class, ("precision", "recall", "f1", "average_precision_50")),
        "kinds of error": error_bars(curves[ERROR_KINDS]),
    }
    if len(curves[PRECISION_RECALL]):
        ranked = per_class.assign(average_precision=per_class["average_precision_50"])
        drawn["precision and recall"] = precision_recall_curves(curves[PRECISION_RECALL], ranked)
        sizes = per_class.rename(columns=_SIZES)
        drawn["average precision by size of object"] = class_bars(sizes, tuple(_SIZES.values()))
    return drawn


def error_bars(kinds: pd.DataFrame) -> bytes:
    """How many objects and boxes are wrong in which way, a bar for each kind of error; PNG.

    Args:
        kinds: `kind`, `label`, `n`; of many classes those with the fewest errors are one.
    """
    by_class = kinds.groupby("label", sort=False)["n"].sum().sort_values(ascending=False)
    named = set(by_class.index[: _MOST_CLASSES - 1 if len(by_class) > _MOST_CLASSES else None])
    of = kinds["label"].where(kinds["label"].isin(named), _OTHERS)
    table = kinds.assign(label=of).pivot_table("n", "kind", "label", "sum", sort=False)
    figure, axes = new_figure(6.4, 0.9 + 0.32 * len(table))
    begin, places = np.zeros(len(table)), np.arange(len(table))
    for index, label in enumerate(table.columns):
        n = table[label].to_numpy()
        axes.barh(places, n, 0.7, left=begin, color=SERIES[index], label=short([label])[0])
        begin = begin + n
    axes.set_yticks(places, table.index)
    axes.invert_yaxis()
    axes.set_xlabel("objects missed, or boxes that are wrong")
    axes.grid(axis="x", color=FAINT, alpha=0.3)
    legend_above(axes, min(4, len(table.columns)))
    return png(figure)
