"""The plots of a segmentation report."""

import pandas as pd

from vision_assets.vision.evaluation.curve_plots import precision_recall_curves
from vision_assets.vision.evaluation.plots import class_bars, confusion_matrix
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.answers import NOTHING
from vision_assets.vision.tasks.segmentation.measure import PIXEL_CONFUSION, PRECISION_RECALL

_THOUSAND = 1000


def plots(scorecard: Scorecard) -> dict[str, bytes]:
    """PNG by title; curves where regions of a class that occurs were found."""
    of_objects = scorecard.per_class[scorecard.per_class["label"] != NOTHING]
    drawn = {
        "per class": class_bars(of_objects.fillna(0.0), ("iou", "dice", "precision", "recall")),
        "boundary F1": class_bars(of_objects.fillna(0.0), ("boundary_f1",)),
        "images by their main class": confusion_matrix(scorecard.confusion),
        "pixels of each class, in thousandths": confusion_matrix(
            in_thousandths(scorecard.curves[PIXEL_CONFUSION])
        ),
    }
    curve = scorecard.curves[PRECISION_RECALL]
    if len(curve):
        drawn["precision and recall of pixels"] = precision_recall_curves(
            curve, average_precision(curve)
        )
    return drawn


def in_thousandths(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pixels by class and by what they are said to be, 1000 to a class that is shown.

    Args:
        pairs: `label`, `predicted`, `pixels`.
    """
    table = pairs.pivot(index="label", columns="predicted", values="pixels").fillna(0)
    names = list(dict.fromkeys((*pairs["label"], *pairs["predicted"])))
    table = table.reindex(index=names, columns=names, fill_value=0)
    shown = table.sum(axis=1).clip(lower=1)
    return table.mul(_THOUSAND).div(shown, axis=0).round().astype(int)


def average_precision(curve: pd.DataFrame) -> pd.DataFrame:
    """`label` and `average_precision`: the area under each curve, up to the recall it reaches."""
    parts = []
    for label, points in curve.groupby("label", sort=False):
        gained = points["recall"].diff().fillna(points["recall"].iloc[0])
        parts.append((label, float((gained * points["precision"]).sum())))
    return pd.DataFrame(parts, columns=["label", "average_precision"])
