"""The figures of segmentation over weighted outcomes.

Pixels of all images are counted together, so that an image without a class says nothing of it
unless the class was said there. Means are over classes that the images show, without the
background, which is right nearly everywhere.
"""

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.figure import Figure, means, ratio
from vision_assets.vision.inference.answers import NOTHING
from vision_assets.vision.tasks.segmentation.counts import (
    BOTH,
    NEAR_SAID,
    NEAR_SHOWN,
    OUTLINE_SAID,
    OUTLINE_SHOWN,
    SAID,
    SHOWN,
    table,
)

MEANS = {
    "mean_iou": "iou",
    "mean_dice": "dice",
    "mean_precision": "precision",
    "mean_recall": "recall",
    "boundary_f1": "boundary_f1",
}
OF_CLASS = ("iou", "dice", "precision", "recall", "boundary_f1")


def figures(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    """Means over classes, those of each class, of any object against the background, of pixels.

    Args:
        outcomes: n rows with `counts`, `foreground` and `correct`.
        weights: (r, n) float.

    Returns:
        By name; figures of a class as in `iou/scratch`.
    """
    names, counts = table(outcomes["counts"].tolist())
    n, k, _ = counts.shape
    total = (weights @ counts.reshape(n, -1)).reshape(len(weights), k, -1)
    classes = of_counts(total)
    shown = total[:, :, SHOWN] > 0
    images = (counts[:, :, SHOWN] > 0).sum(0)
    front = np.array([name != NOTHING for name in names], bool)
    with_object = int((counts[:, front, SHOWN] > 0).any(1).sum())
    found = {
        mean: Figure(_mean(classes[name][:, front], shown[:, front]), with_object)
        for mean, name in MEANS.items()
    }
    found |= _of_foreground(outcomes, weights, with_object)
    found["pixel_accuracy"] = Figure(ratio(total[:, :, BOTH].sum(1), total[:, :, SHOWN].sum(1)), n)
    (found["image_accuracy"],) = means(
        weights, outcomes["correct"].to_numpy(float), np.ones((n, 1), bool)
    )
    for name in OF_CLASS:
        for index in np.flatnonzero(images):
            if name != "boundary_f1" or front[index]:
                values = np.where(shown[:, index], classes[name][:, index], np.nan)
                found[f"{name}/{names[index]}"] = Figure(values, int(images[index]))
    return found


def of_counts(total: np.ndarray) -> dict[str, np.ndarray]:
    """Figures of sums of counts; what is not a number where a class is neither shown nor said.

    Args:
        total: (..., 7) float.

    Returns:
        (...) float by name.
    """
    both, said, shown = (total[..., place] for place in (BOTH, SAID, SHOWN))
    close = ratio(total[..., NEAR_SAID], total[..., OUTLINE_SAID])
    found = ratio(total[..., NEAR_SHOWN], total[..., OUTLINE_SHOWN])
    close, found = np.nan_to_num(close), np.nan_to_num(found)
    return {
        "iou": ratio(both, said + shown - both),
        "dice": ratio(2 * both, said + shown),
        "precision": np.where(shown > 0, np.nan_to_num(ratio(both, said)), np.nan),
        "recall": ratio(both, shown),
        "boundary_f1": np.nan_to_num(ratio(2 * close * found, close + found)),
    }


def _of_foreground(outcomes: pd.DataFrame, weights: np.ndarray, n: int) -> dict[str, Figure]:
    """Any defect against all else, whatever its class."""
    _, counts = table(outcomes["defect_counts"].tolist())
    total = weights @ counts.sum(1)
    of_defect = of_counts(total)
    there = total[:, SHOWN] > 0
    return {
        f"defect_{name}": Figure(np.where(there, of_defect[name], np.nan), n)
        for name in ("iou", "dice", "precision", "recall")
    }


def _mean(values: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """Over the classes that are shown; not a number where none is."""
    kept = np.where(shown, values, 0.0).sum(1)
    return ratio(kept, shown.sum(1).astype(float))
