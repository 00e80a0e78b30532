"""Temperature scaling (Guo et al., "On Calibration of Modern Neural Networks", 2017).

Targets are softened by what n images can tell (Platt, "Probabilistic Outputs for Support Vector
Machines", 1999): where every answer is right, scores would otherwise become certainties.
"""

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
    logits = logits.astype(np.float64)
    n, k = logits.shape
    wanted = np.full((n, k), 1 / (n + 2) / (k - 1))
    wanted[np.arange(n), targets] = (n + 1) / (n + 2)

    def loss(log_temperature: float) -> float:
        return -(wanted * log_softmax(logits / np.exp(log_temperature), 1)).sum(1).mean()

    found = minimize_scalar(loss, bounds=np.log(_BOUNDS), method="bounded")
    return float(np.exp(found.x))
