"""Learning what is normal, by the method of a recipe."""

import numpy as np
import torch

from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.anomaly.fitting import fill_bank
from vision_assets.vision.tasks.anomaly.memory_bank import MemoryBank
from vision_assets.vision.tasks.anomaly.objective import objective, painted
from vision_assets.vision.tasks.anomaly.segmenter import DefectSegmenter
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.gradient_descent import descend
from vision_assets.vision.training.progress import EpochReport, OnEpoch
from vision_assets.vision.training.validation import to_images

_MOST_IMAGES = 4096
_LEAST_DEVIATION = 0.1
"""Of a few images that are alike, whose deviation would magnify rounding."""


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
    history = descend(network, aim, train, watched, recipe, device, on_epoch, checkpoint)
    if isinstance(network, DefectSegmenter):
        fit_distance(network, train, val, recipe.batch_size, device)
    return history


@torch.no_grad()
def fit_distance(
    network: DefectSegmenter, train: Samples, val: Samples, batch_size: int, device: torch.device
) -> None:
    """Take up what whole normal images are like, in place.

    Args:
        network: that was trained.
        train: normal images, which the distance is from; some of many.
        val: normal images held out, by which distances and log-odds are measured.
        batch_size: images at a time.
        device: where batches go.
    """
    network.eval()
    network.distance.fit(_described(network, train, batch_size, device)[1])
    highest, features = _described(network, val, batch_size, device)
    found = torch.stack([highest, network.distance(features)])
    network.deviations.copy_(found.std(1, correction=0).clamp(min=_LEAST_DEVIATION))


def _described(
    network: DefectSegmenter, samples: Samples, batch_size: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Largest log-odds, (n,), and features, (n, d), of at most `_MOST_IMAGES` images."""
    n = min(len(samples), _MOST_IMAGES)
    chosen = np.linspace(0, len(samples) - 1, n).round().astype(int)
    parts = [
        network.describe(to_images(samples.pixels[batch], device))
        for batch in np.array_split(chosen, -(-n // batch_size))
    ]
    highest, features = zip(*parts, strict=True)
    return torch.cat(highest), torch.cat(features)
