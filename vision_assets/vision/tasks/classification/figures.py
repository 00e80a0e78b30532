"""The figures of classification over weighted outcomes; as `measure` has them, but many at once."""

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.figure import Figure, means, ratio


def figures(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    """Accuracy, balanced accuracy, macro figures, and precision, recall and F1 of each class.

    Args:
        outcomes: n rows with `label`, `predicted` and `correct`.
        weights: (r, n) float.

    Returns:
        By name; figures of a class as in `recall/scratch`.
    """
    correct = outcomes["correct"].to_numpy(float)
    labels = outcomes["label"].to_numpy(object)
    names = sorted(set(labels))
    is_label = (labels[:, None] == np.array(names, object)).astype(float)
    predicted = outcomes["predicted"].to_numpy(object)[:, None] == np.array(names, object)
    right = weights @ (is_label * correct[:, None])
    support, called = weights @ is_label, weights @ predicted.astype(float)
    recall = ratio(right, support)
    precision = np.where(support > 0, np.nan_to_num(ratio(right, called)), np.nan)
    f1 = np.where(support > 0, ratio(2 * right, called + support), np.nan)
    (accuracy,) = means(weights, correct, np.ones((len(outcomes), 1), bool))
    found = {"accuracy": accuracy}
    n = is_label.sum(0)
    for name, of_classes in (
        ("balanced_accuracy", recall),
        ("macro_precision", precision),
        ("macro_recall", recall),
        ("macro_f1", f1),
    ):
        found[name] = Figure(np.nanmean(of_classes, axis=1), len(outcomes), worth=_worth(n))
    for index, label in enumerate(names):
        for name, of_classes in (("precision", precision), ("recall", recall), ("f1", f1)):
            found[f"{name}/{label}"] = Figure(of_classes[:, index], int(n[index]))
    return found


def _worth(n: np.ndarray) -> float:
    """Images in one heap whose share varies as the mean of shares over classes of n images."""
    return float(len(n) ** 2 / (1 / n).sum())
