"""The figures of anomaly detection over weighted outcomes, many weightings at once."""

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.figure import Figure, means, ratio

OF_IMAGES = ("auroc", "average_precision", "f1", "precision", "recall", "specificity", "accuracy")


def figures(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    """How scores rank defects before normal images, and what the threshold makes of them.

    Args:
        outcomes: n rows with `label`, `defect`, `defect_score`, `anomaly` and `correct`.
        weights: (r, n) float.

    Returns:
        `accuracy`, `recall` (share of defects called anomalies), `specificity` (share of normal
        images that are not), `precision`, `f1`, `auroc`, `average_precision`, and `recall/label`,
        the share of right answers, of each class; those alone that there are images for.
    """
    defect = outcomes["defect"].to_numpy(bool)
    correct = outcomes["correct"].to_numpy(float)
    labels = outcomes["label"].to_numpy(object)
    names = sorted(set(labels))
    parts = np.column_stack([np.ones(len(labels), bool), defect, ~defect])
    of_label = labels[:, None] == np.array(names, object)
    accuracy, recall, specificity, *of_labels = means(
        weights, correct, np.column_stack([parts, of_label])
    )
    found = {"accuracy": accuracy, "recall": recall, "specificity": specificity}
    found |= _of_alarms(outcomes, defect, weights)
    if defect.any() and not defect.all():
        found |= _of_ranking(defect, outcomes["defect_score"].to_numpy(float), weights)
    found |= {f"recall/{name}": figure for name, figure in zip(names, of_labels, strict=True)}
    return {name: figure for name, figure in found.items() if figure.n}


def _of_alarms(
    outcomes: pd.DataFrame, defect: np.ndarray, weights: np.ndarray
) -> dict[str, Figure]:
    """Precision and F1 of what was called an anomaly; nothing where there are no defects."""
    anomaly = outcomes["anomaly"].to_numpy(bool)
    right = weights @ (anomaly & defect).astype(float)
    called, defects = weights @ anomaly.astype(float), weights @ defect.astype(float)
    precision = np.where(defects > 0, np.nan_to_num(ratio(right, called)), np.nan)
    n = int(defect.sum())
    return {
        "precision": Figure(precision, n),
        "f1": Figure(ratio(2 * right, np.where(defects > 0, called + defects, 0)), n),
    }


def _of_ranking(defect: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> dict[str, Figure]:
    """Area under the ROC, and average precision; equal scores count half, or come together."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    weights = weights[:, order]
    found = np.cumsum(weights * defect[order], axis=1)[:, last]
    false = np.cumsum(weights * ~defect[order], axis=1)[:, last]
    defects, normals = found[:, -1], false[:, -1]
    before = np.zeros((len(weights), 1))
    found_before = np.hstack([before, found[:, :-1]])
    steps = np.diff(false, axis=1, prepend=0.0)
    area = (steps * (found + found_before) / 2).sum(1)
    precision = np.nan_to_num(ratio(found, found + false))
    average = ((found - found_before) * precision).sum(1)
    n, fewest = len(scores), int(min(defect.sum(), (~defect).sum()))
    return {
        "auroc": Figure(ratio(area, defects * normals), n, worth=fewest),
        "average_precision": Figure(
            np.where(normals > 0, ratio(average, defects), np.nan), n, worth=fewest
        ),
    }
