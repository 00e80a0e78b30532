"""How sure a share of counted images is."""

import numpy as np
from numpy.typing import ArrayLike

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
        Lower and upper ends in 0..1, around the share whatever rounding does; 0 and 1 where n is 0.
    """
    successes, n = np.asarray(successes, float), np.asarray(n, float)
    some = np.maximum(n, 1)
    share = successes / some
    centre = (share + _Z**2 / (2 * some)) / (1 + _Z**2 / some)
    spread = np.sqrt(share * (1 - share) / some + _Z**2 / (4 * some**2))
    half = _Z / (1 + _Z**2 / some) * spread
    low = np.clip(np.minimum(centre - half, share), 0, 1)
    high = np.clip(np.maximum(centre + half, share), 0, 1)
    return np.where(n > 0, low, 0.0), np.where(n > 0, high, 1.0)
