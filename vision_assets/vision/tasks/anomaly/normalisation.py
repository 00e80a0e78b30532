"""From what a network says to scores in 0..1, by what it says of normal images held out."""

import numpy as np
import torch

from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.validation import to_images

CENTRE, SPREAD = "centre", "spread"
_HIGH = 0.95
_LEAST_SPREAD = 0.1
"""Relative; of a few images that are alike, whose spread would magnify rounding."""


@torch.no_grad()
def fit_normalisation(
    network: Detector, normals: Samples, batch_size: int, device: torch.device
) -> dict[str, float]:
    """Where the scores of normal images lie.

    Args:
        network: that was trained.
        normals: held out.
        batch_size: images at a time.
        device: where batches go.

    Returns:
        `centre`, which 95 of 100 images are below, and `spread`, its distance to the median.
    """
    network.eval()
    highest = [
        network.look(to_images(normals.pixels[chosen], device))[0].amax((1, 2)).cpu().numpy()
        for chosen in np.array_split(np.arange(len(normals)), -(-len(normals) // batch_size))
    ]
    median, high = np.quantile(np.concatenate(highest).astype(float), [0.5, _HIGH])
    least = _LEAST_SPREAD * max(1.0, abs(high))
    return {CENTRE: float(high), SPREAD: float(max(high - median, least))}


def normalised(raw: torch.Tensor, centre: float, spread: float) -> torch.Tensor:
    """Raw scores as 0..1, rising: 0.25 for the median normal image, 0.5 for one at the centre.

    Its tails are long, so that far away scores can still be told apart in 32 bits.
    """
    away = (raw - centre) / spread
    return 0.5 + 0.5 * away / (1 + away.abs())
