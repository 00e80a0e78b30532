"""How much speaks for a defect in a picture: one number from a map of probabilities. Torch-free."""

from collections.abc import Mapping, Sequence

import numpy as np

SLOPE, OFFSET = "defect_slope", "defect_offset"
"""Of the calibration: what turns the logit of the evidence into that of a probability."""
_SHARE_OF_SIDE = 32
_FULL = 255.0
_SMALLEST = 1 / 512
"""Half a level: no rounded probability is surer than that."""


def evidence(levels: np.ndarray, defects: Sequence[bool] | np.ndarray) -> np.ndarray:
    """The highest probability of a defect in each view, smoothed so that no single pixel decides.

    Args:
        levels: (v, k + 1, h, w) uint8, the background first.
        defects: (k + 1,) whether each is one.

    Returns:
        (v,) float in 0..1.
    """
    chosen = np.flatnonzero(np.asarray(defects, bool))
    if not len(chosen):
        return np.zeros(len(levels))
    side = max(1, min(levels.shape[2:]) // _SHARE_OF_SIDE)
    found = [_smoothed(view[chosen].sum(0, dtype=np.int64), side).max() for view in levels]
    return np.minimum(np.array(found) / _FULL, 1.0)


def defect_score(found: np.ndarray, calibration: Mapping[str, float]) -> float:
    """The calibrated probability that a picture shows a defect, by its view with most evidence.

    Args:
        found: (v,) evidence of its views.
        calibration: `defect_slope` and `defect_offset`; without them the evidence itself counts.
    """
    logit = evidence_logit(found).max()
    return float(
        1 / (1 + np.exp(-(calibration.get(SLOPE, 1.0) * logit + calibration.get(OFFSET, 0.0))))
    )


def evidence_logit(found: np.ndarray) -> np.ndarray:
    """Evidence 0..1 as log odds, bounded by what 255 levels can tell."""
    bounded = np.clip(found, _SMALLEST, 1 - _SMALLEST)
    return np.log(bounded / (1 - bounded))


def _smoothed(values: np.ndarray, side: int) -> np.ndarray:
    """Means over squares of so many pixels that lie inside, from sums of all that is before."""
    sums = np.pad(values.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    squares = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return squares / side**2
