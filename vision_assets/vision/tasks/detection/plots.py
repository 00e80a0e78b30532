"""The plots of a detection report."""

from vision_assets.vision.evaluation.curve_plots import precision_recall_curves
from vision_assets.vision.evaluation.plots import class_bars, confusion_matrix
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.tasks.detection.measure import PRECISION_RECALL


def plots(scorecard: Scorecard) -> dict[str, bytes]:
    """PNG by title; curves where there are objects."""
    curves, per_class = scorecard.curves, scorecard.per_class
    drawn = {
        "confusion matrix": confusion_matrix(scorecard.confusion),
        "per class": class_bars(per_class, ("precision", "recall", "f1", "average_precision_50")),
    }
    if len(curves[PRECISION_RECALL]):
        ranked = per_class.assign(average_precision=per_class["average_precision_50"])
        drawn["precision and recall"] = precision_recall_curves(curves[PRECISION_RECALL], ranked)
    return drawn
