"""The figures of detection over weighted outcomes; as `measure` has them, but many at once."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.figure import Figure, means, ratio
from vision_assets.vision.tasks.detection.precision import average_precision
from vision_assets.vision.tasks.detection.spec import MEAN_AVERAGE_PRECISION_50

COUNTS = "counts"
"""Column of outcomes: by name of class, JSON of `truth` (objects), `told` and `right` (boxes that
were told, and those of them that are of an object), `scores` and `hits` of all boxes."""


def figures(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    """Images without a mistake, mean average precision, and figures of boxes, of each class.

    Args:
        outcomes: n rows with `correct` and `counts`.
        weights: (r, n) float.

    Returns:
        By name; figures of a class as in `recall/scratch`.
    """
    images: list[dict[str, Any]] = [json.loads(text) for text in outcomes[COUNTS]]
    names = sorted({name for image in images for name, said in image.items() if said["truth"]})
    all_images = np.ones((len(outcomes), 1), bool)
    (accuracy,) = means(weights, outcomes["correct"].to_numpy(float), all_images)
    found = {"accuracy": accuracy} | _of_boxes(images, weights)
    precise: list[np.ndarray] = []
    for name in names:
        of_class = [image.get(name, _NOTHING) for image in images]
        truth = np.array([said["truth"] for said in of_class], float)
        precise.append(average_precision(*_ranked(of_class), truth, weights))
        found[f"average_precision_50/{name}"] = Figure(precise[-1], int((truth > 0).sum()))
        for figure, values in _shares(of_class, weights).items():
            found[f"{figure}/{name}"] = Figure(values, int((truth > 0).sum()))
    if precise:
        found[MEAN_AVERAGE_PRECISION_50] = Figure(_mean(np.stack(precise)), len(outcomes))
    return found


_NOTHING: dict[str, Any] = {"truth": 0, "told": 0, "right": 0, "scores": [], "hits": []}


def _of_boxes(images: Sequence[dict[str, Any]], weights: np.ndarray) -> dict[str, Figure]:
    """Precision, recall and F1 over the boxes of all classes; none without objects."""
    totals = [
        {key: sum(said[key] for said in image.values()) for key in ("truth", "told", "right")}
        for image in images
    ]
    if not any(total["truth"] for total in totals):
        return {}
    return {name: Figure(values, len(images)) for name, values in _shares(totals, weights).items()}


def _shares(images: Sequence[dict[str, Any]], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Precision, recall and F1; where no box was told, precision is 0, as none is right."""
    truth, told, right = (
        weights @ np.array([said[key] for said in images], float)
        for key in ("truth", "told", "right")
    )
    recall = ratio(right, truth)
    precision = np.where(truth > 0, np.nan_to_num(ratio(right, told)), np.nan)
    f1 = np.where(truth > 0, ratio(2 * right, truth + told), np.nan)
    return {"precision": precision, "recall": recall, "f1": f1}


def _ranked(images: Sequence[dict[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, hits and image of all boxes of a class."""
    n = [len(said["scores"]) for said in images]
    return (
        np.array([score for said in images for score in said["scores"]], float),
        np.array([hit for said in images for hit in said["hits"]], bool),
        np.repeat(np.arange(len(images)), n),
    )


def _mean(of_classes: np.ndarray) -> np.ndarray:
    """(r,) mean over the classes of (k, r) that have objects."""
    there = ~np.isnan(of_classes)
    return ratio(np.nan_to_num(of_classes).sum(0), there.sum(0).astype(float))
