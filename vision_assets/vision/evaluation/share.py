"""How sure a share of counted images is."""

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
_Z = 1.959964
"""Quantile of the normal distribution for 95 %, two-sided."""


def wilson(successes: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of shares by Wilson's score.

    Holds for few images and for shares of 0 and 1 as well (Wilson, "Probable Inference, the Law
    of Succession, and Statistical Inference", 1927).

    Args:
        successes: counts, any shape.
        n: how many images each was counted in.

    Returns:
        Lower and upper ends in 0..1; 0 and 1 where n is 0.
    """
    successes, n = np.asarray(successes, float), np.asarray(n, float)
    share = np.divide(successes, n, out=np.full(n.shape, 0.5), where=n > 0)
    n = np.maximum(n, 1e-9)
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
    return np.clip(centre - half, 0, 1), np.clip(centre + half, 0, 1)
