"""How the learning rate changes over a training, step by step."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from vision_assets.vision.spec import Recipe

_ONE_CYCLE_WARM_UP = 0.2
_WARM_UP_OF_FEW_STEPS = 0.3
"""torch divides by the length of the rise less one step, which 0.2 of five steps makes zero."""
_FEW_STEPS = 10
_WARM_UP = 0.05


def schedule(optimizer: Optimizer, recipe: Recipe, n_steps: int) -> LRScheduler:
    """The schedule that a recipe names.

    Args:
        optimizer: whose learning rate changes.
        recipe: `schedule` and `learning_rate`, its peak.
        n_steps: of the whole training.
    """
    if recipe.schedule == "one_cycle":
        rising = _ONE_CYCLE_WARM_UP if n_steps >= _FEW_STEPS else _WARM_UP_OF_FEW_STEPS
        return OneCycleLR(optimizer, recipe.learning_rate, total_steps=n_steps, pct_start=rising)
    warm_up = max(1, round(_WARM_UP * n_steps))
    falls = recipe.schedule == "cosine"

    def factor(step: int) -> float:
        rising = min(1.0, (step + 1) / warm_up)
        done = max(0.0, (step - warm_up) / max(1, n_steps - warm_up))
        return rising * (0.5 * (1 + math.cos(math.pi * done)) if falls else 1.0)

    return LambdaLR(optimizer, factor)
