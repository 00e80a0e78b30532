"""Average precision by the rules of COCO, of detections of images that count several times."""

import numpy as np

from vision_assets.vision.evaluation.figure import ratio

_RECALLS = np.linspace(0, 1, 101)
_MOST_VALUES = 2_000_000
"""Weights of detections at a time: 16 MB."""


def average_precision(
    scores: np.ndarray, hits: np.ndarray, images: np.ndarray, n_truth: np.ndarray, by: np.ndarray
) -> np.ndarray:
    """The mean over 101 recalls of the best precision at that recall or a higher one.

    Args:
        scores: (m,) float, of the detections of one class.
        hits: (m,) bool, whether each is right.
        images: (m,) int, which image each is of.
        n_truth: (n,) how many objects of the class each image has.
        by: (r, n) float, how often each image counts.

    Returns:
        (r,) float; NaN where there are no objects.
    """
    order = np.argsort(-scores, kind="stable")
    order = order[: _last(hits[order])]
    hits, images = hits[order], images[order]
    found = np.zeros(len(by))
    step = max(1, _MOST_VALUES // max(1, len(order)))
    for begin in range(0, len(by), step):
        weights = by[begin : begin + step]
        found[begin : begin + step] = _of_weights(hits, weights[:, images], weights @ n_truth)
    return np.where(by @ n_truth > 0, found, np.nan)


def _last(hits: np.ndarray) -> int:
    """How many there are up to the last right one: what follows changes no precision."""
    right = np.flatnonzero(hits)
    return int(right[-1]) + 1 if len(right) else 0


def _of_weights(hits: np.ndarray, weights: np.ndarray, n_truth: np.ndarray) -> np.ndarray:
    """(r,) of (m,) hits in order, their (r, m) weights, and (r,) objects."""
    if not len(hits):
        return np.zeros(len(weights))
    right = np.cumsum(weights * hits, 1)[:, hits]
    wrong = np.cumsum(weights * ~hits, 1)[:, hits]
    recall = np.nan_to_num(ratio(right, np.broadcast_to(n_truth[:, None], right.shape)))
    precision = np.nan_to_num(ratio(right, right + wrong))
    best = np.maximum.accumulate(precision[:, ::-1], 1)[:, ::-1]
    best = np.column_stack([best, np.zeros(len(best))])
    places = np.stack([np.searchsorted(row, _RECALLS, side="left") for row in recall])
    return np.take_along_axis(best, places, 1).mean(1)
