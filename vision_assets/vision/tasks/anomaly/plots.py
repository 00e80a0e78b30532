"""The plots of an anomaly detection report."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from vision_assets.vision.evaluation.drawing import (
    FAINT,
    INK,
    SERIES,
    legend_above,
    new_figure,
    png,
)
from vision_assets.vision.evaluation.plots import class_bars, confusion_matrix
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.tasks.anomaly.measure import PIXELS

_BINS = 40
_UP_TO = 0.3


def plots(scorecard: Scorecard) -> dict[str, bytes]:
    """PNG by title; curves where there are defects beside normal images."""
    drawn = {
        "scores of normal images and defects": score_histogram(scorecard),
        "normal and anomaly": confusion_matrix(scorecard.confusion),
        "right answers by class": class_bars(scorecard.per_class, ("recall",)),
    }
    if "auroc" in scorecard.metrics:
        drawn["receiver operating characteristic"] = roc(scorecard)
    if PIXELS in scorecard.curves:
        drawn["regions and pixels that are found"] = region_curves(
            scorecard.curves[PIXELS], scorecard.metrics
        )
    return drawn


def score_histogram(scorecard: Scorecard) -> bytes:
    """How many images of either kind have which score, and the thresholds; PNG."""
    figure, axes = new_figure(6.0, 2.8)
    outcomes = scorecard.predictions
    defect = outcomes["defect"].to_numpy(bool)
    scores = outcomes["score"].to_numpy(float)
    groups = {"normal images": scores[~defect], "defects": scores[defect]}
    axes.hist(
        list(groups.values()),
        np.linspace(0, 1, _BINS + 1).tolist(),
        color=[SERIES[0], SERIES[1]],
        label=[f"{name}, {len(values)}" for name, values in groups.items()],
    )
    for threshold in sorted(set(scorecard.card.thresholds.values())):
        axes.axvline(threshold, color=INK, lw=1, ls="--")
    axes.set_xlabel("score; dashed: thresholds")
    axes.set_ylabel("images")
    axes.grid(axis="y", color=FAINT, alpha=0.25)
    legend_above(axes, 2)
    return png(figure)


def roc(scorecard: Scorecard) -> bytes:
    """Defects found against false alarms, of all images, and where the threshold lies; PNG."""
    figure, axes = new_figure(4.6, 4.6)
    outcomes = scorecard.predictions
    false_alarms, found, _ = roc_curve(outcomes["defect"].astype(bool), outcomes["score"])
    area = f"area {scorecard.metrics['auroc']:.3f}"
    axes.plot(false_alarms, found, color=SERIES[0], lw=1.6, label=area)
    axes.plot(
        [1 - scorecard.metrics["specificity"]],
        [scorecard.metrics["recall"]],
        "o",
        color=SERIES[1],
        label="at the threshold",
    )
    axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8, ls=":")
    axes.set_xlabel("share of normal images called anomalies")
    axes.set_ylabel("share of defects found")
    axes.grid(color=FAINT, alpha=0.25)
    legend_above(axes, 2)
    return png(figure)


def region_curves(curve: pd.DataFrame, metrics: dict[str, float]) -> bytes:
    """Shares of regions and of pixels against sound pixels taken for defects, up to 30 %; PNG."""
    figure, axes = new_figure(4.6, 3.6)
    for place, (column, name) in enumerate(
        (
            ("overlap", f"of each region, PRO {metrics['pro']:.3f}"),
            ("recall", f"of all pixels, area {metrics['pixel_auroc']:.3f}"),
        )
    ):
        axes.plot(curve["false_alarms"], curve[column], color=SERIES[place], lw=1.6, label=name)
    axes.set_xlim(0, _UP_TO)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel("share of sound pixels taken for defects")
    axes.set_ylabel("share found")
    axes.grid(color=FAINT, alpha=0.25)
    legend_above(axes, 2)
    return png(figure)
