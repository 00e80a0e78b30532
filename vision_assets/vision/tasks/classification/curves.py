"""Precision against recall and the ROC, one class against all others."""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

_MOST_POINTS = 200


def ranking_figures(is_class: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """How well the scores of a class rank its images before the others.

    Args:
        is_class: (n,) bool.
        scores: (n,) float.

    Returns:
        `average_precision` and `auroc`; not a number where there is nothing to tell apart.
    """
    if is_class.all() or not is_class.any():
        return {"average_precision": np.nan, "auroc": np.nan}
    return {
        "average_precision": float(average_precision_score(is_class, scores)),
        "auroc": float(roc_auc_score(is_class, scores)),
    }


def precision_recall(label: str, is_class: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Points of the curve, at most 200: `label`, `threshold`, `recall`, `precision`.

    The last point, at a recall of 0, is by convention and has no threshold.
    """
    precision, recall, thresholds = precision_recall_curve(is_class, scores)
    points = {"threshold": np.append(thresholds, np.nan), "recall": recall, "precision": precision}
    return _thinned(label, points)


def receiver_operating(label: str, is_class: np.ndarray, scores: np.ndarray) -> pd.DataFrame:
    """Points of the curve, at most 200: `label`, `threshold`, `false_alarms`, `recall`."""
    false_alarms, recall, thresholds = roc_curve(is_class, scores)
    thresholds[np.isinf(thresholds)] = np.nan
    points = {"threshold": thresholds, "false_alarms": false_alarms, "recall": recall}
    return _thinned(label, points)


def _thinned(label: str, points: dict[str, np.ndarray]) -> pd.DataFrame:
    """At most so many points, at equal distances along the curve."""
    curve = pd.DataFrame({"label": label, **points})
    if len(curve) <= _MOST_POINTS:
        return curve
    steps = curve.drop(columns=["label", "threshold"]).diff().abs().sum(axis=1)
    along = steps.cumsum().to_numpy()
    kept = np.searchsorted(along, np.linspace(0, along[-1], _MOST_POINTS - 1))
    return curve.iloc[np.unique([*kept, len(curve) - 1])].reset_index(drop=True)
