"""The plots of an anomaly detection report."""

import numpy as np

from vision_assets.vision.evaluation.drawing import FAINT, INK, SERIES, new_figure, png
from vision_assets.vision.evaluation.plots import confusion_matrix
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.decision import PASS_BELOW, REFUSE_FROM
from vision_assets.vision.tasks.anomaly.measure import PIXELS

_BINS = 40


def plots(scorecard: Scorecard) -> dict[str, bytes]:
    """PNG by title; curves where there are defects."""
    return {
        "normal and anomaly": confusion_matrix(scorecard.confusion),
        "scores of normal images and defects": score_histogram(scorecard),
    }


def score_histogram(scorecard: Scorecard) -> bytes:
    """Scores of normal images above those of defects, with the thresholds; PNG."""
    figure, axes = new_figure(6.0, 2.8)
    outcomes = scorecard.predictions
    defect = outcomes["defect"].to_numpy(bool)
    scores = outcomes["score"].to_numpy(float)
    groups = {"normal": scores[~defect], "defects": scores[defect]}
    axes.hist(
        list(groups.values()),
        np.linspace(0, 1, _BINS + 1),
        color=[SERIES[0], SERIES[1]],
        label=[f"{name}, {len(values)}" for name, values in groups.items()],
    )
    for name in dict.fromkeys((PASS_BELOW, REFUSE_FROM)):
        if name in scorecard.card.thresholds:
            axes.axvline(scorecard.card.thresholds[name], color=INK, lw=1, ls="--")
    axes.set_xlabel("score")
    axes.set_ylabel("images")
    axes.grid(axis="y", color=FAINT, alpha=0.25)
    axes.legend(frameon=False, fontsize=8)
    return png(figure)
