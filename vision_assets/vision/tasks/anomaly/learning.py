"""Learning what is normal, by the method of a recipe."""

import torch

from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.anomaly.fitting import fill_bank
from vision_assets.vision.tasks.anomaly.memory_bank import MemoryBank
from vision_assets.vision.tasks.anomaly.objective import objective, painted
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.gradient_descent import descend
from vision_assets.vision.training.progress import EpochReport, OnEpoch


def learn(
    network: Detector,
    train: Samples,
    val: Samples,
    recipe: AnomalyRecipe,
    device: torch.device,
    on_epoch: OnEpoch,
    checkpoint: Checkpoint,
) -> list[EpochReport]:
    """Learn from normal images, in place.

    Args:
        network: of the recipe's method.
        train: normal images.
        val: normal images held out.
        recipe: the method, and how it learns.
        device: where batches go.
        on_epoch: told after each epoch.
        checkpoint: where the state is kept.
    """
    if isinstance(network, MemoryBank):
        return fill_bank(network, train, val, recipe, device, on_epoch, checkpoint)
    watched = painted(val, recipe.seed)
    aim = objective(recipe)
    return descend(network, aim, train, watched, recipe, device, on_epoch, checkpoint)
