"""Figures over outcomes that count several times or not at all, and how sure they are.

A figure is computed for many weightings of the same outcomes at once: weights of one are what
was seen, counts of random draws are the resamples of a bootstrap.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """One figure, for each of r weightings of the same n outcomes.

    Attributes:
        values: (r,) float, in 0..most; NaN where nothing that it is about has weight.
        n: images that it rests on, when each counts once.
        most: largest value that it can take; the smallest is 0.
        worth: images in one heap whose share is as sure as this figure; default: n.
    """

    values: np.ndarray
    n: int
    most: float = 1.0
    worth: float | None = None


@dataclass(frozen=True)
class Interval:
    """A figure and the interval in which its true value lies.

    Attributes:
        value: what was seen; NaN where there was nothing to see.
        low: lower end; NaN where it is not known.
        high: upper end; NaN where it is not known.
        n: images that it rests on.
    """

    value: float
    low: float
    high: float
    n: int


UNSEEN = Interval(np.nan, np.nan, np.nan, 0)
"""Of a figure about which no image says anything."""


def means(
    weights: np.ndarray, values: np.ndarray, parts: np.ndarray, most: float = 1.0
) -> list[Figure]:
    """The mean of values over parts of the outcomes.

    Args:
        weights: (r, n) float.
        values: (n,) float in 0..most, or bool.
        parts: (n, p) bool, the outcomes that each part has.
        most: largest value.

    Returns:
        One figure for each part.
    """
    parts = parts.astype(float)
    found = ratio(weights @ (parts * values[:, None]), weights @ parts)
    return [Figure(found[:, index], int(n), most) for index, n in enumerate(parts.sum(0))]


def ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Element by element; NaN where the denominator is 0."""
    nothing = np.full(np.shape(numerator), np.nan)
    return np.divide(numerator, denominator, out=nothing, where=denominator > 0)
