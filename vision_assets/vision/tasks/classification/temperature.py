"""Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", 2017)."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

_BOUNDS = (0.1, 10.0)
_FEWEST_IMAGES = 20


def temperature(logits: np.ndarray, targets: np.ndarray) -> float:
    """What to divide logits by so that their softmax is most likely; 1 on too few images.

    Args:
        logits: (n, k) float.
        targets: (n,) index of the class.
    """
    if len(targets) < _FEWEST_IMAGES:
        return 1.0
    logits, rows = logits.astype(np.float64), np.arange(len(targets))

    def loss(log_temperature: float) -> float:
        return -log_softmax(logits / np.exp(log_temperature), 1)[rows, targets].mean()

    found = minimize_scalar(loss, bounds=np.log(_BOUNDS), method="bounded")
    return float(np.exp(found.x))
