"""The plots of a classification report."""

from vision_assets.vision.evaluation.curve_plots import (
    precision_recall_curves,
    reliability_diagram,
    roc_curves,
)
from vision_assets.vision.evaluation.plots import class_bars, confusion_matrix
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.tasks.classification.measure import PRECISION_RECALL, RELIABILITY, ROC


def plots(scorecard: Scorecard) -> dict[str, bytes]:
    """PNG by title; curves where there are images of more than one class."""
    curves, per_class = scorecard.curves, scorecard.per_class
    drawn = {
        "confusion matrix": confusion_matrix(scorecard.confusion),
        "per class": class_bars(per_class, ("precision", "recall", "f1")),
    }
    if len(curves[PRECISION_RECALL]):
        drawn["precision and recall"] = precision_recall_curves(curves[PRECISION_RECALL], per_class)
        drawn["receiver operating characteristic"] = roc_curves(curves[ROC], per_class)
    drawn["calibration"] = reliability_diagram(
        curves[RELIABILITY],
        scorecard.predictions["score"],
        scorecard.metrics["calibration_error"],
        scorecard.card.calibration.get("temperature"),
    )
    return drawn
