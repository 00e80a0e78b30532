"""What makes probabilities true: of pixels by a temperature, of a whole view by Platt's scaling.

Pixels are then called an object as readily as makes the IoU highest; see `readiness`.

Classes are weighted and views are chosen in training, so evidence for a defect is no probability
by itself. Its log odds are scaled and shifted until they fit the views of the val split (Platt,
"Probabilistic Outputs for Support Vector Machines", 1999, with his softened targets).
"""

import numpy as np
import torch
from scipy.optimize import minimize
from torch import nn

from vision_assets.vision.tasks.segmentation.answer import LEVELS
from vision_assets.vision.tasks.segmentation.answer.evidence import (
    OFFSET,
    SLOPE,
    evidence,
    evidence_logit,
)
from vision_assets.vision.tasks.segmentation.readiness import Readiness
from vision_assets.vision.tasks.segmentation.targets import ClassMaps
from vision_assets.vision.tasks.task import Images
from vision_assets.vision.training.temperature import temperature
from vision_assets.vision.training.validation import to_images

FEWEST_VIEWS = 20
TEMPERATURE, OBJECT_OFFSET = "temperature", "object_offset"
_PIXELS_PER_VIEW = 256
_MOST_PIXELS = 200_000
_SLOPES, _OFFSETS = (0.05, 5.0), (-20.0, 20.0)


def calibration(
    network: nn.Module,
    pixels: Images,
    maps: ClassMaps,
    batch_size: int,
    device: torch.device,
) -> dict[str, float]:
    """`temperature` and `object_offset` of pixels, `defect_slope` and `defect_offset` of evidence.

    Args:
        network: gives logits.
        pixels: (n, h, w, 3) uint8 of the val split.
        maps: what they show.
        batch_size: views at a time.
        device: of the network.

    Returns:
        Nothing is changed on too few views, or where all show the same.
    """
    if len(maps) < FEWEST_VIEWS:
        return {TEMPERATURE: 1.0, OBJECT_OFFSET: 0.0, SLOPE: 1.0, OFFSET: 0.0}
    found = _temperature(network, pixels, maps, batch_size, device)
    ready = _object_offset(network, pixels, maps, found, batch_size, device)
    scores = _evidence(network, pixels, maps, (found, ready), batch_size, device)
    shows = maps.counts[:, maps.defects].sum(1) > 0
    slope, offset = platt(evidence_logit(scores), shows)
    return {TEMPERATURE: found, OBJECT_OFFSET: ready, SLOPE: slope, OFFSET: offset}


def calibrated(logits: torch.Tensor, temperature: float, object_offset: float) -> torch.Tensor:
    """Logits (n, k + 1, h, w) whose softmax a bundle gives, the background first."""
    added = logits.new_tensor([0.0, *[object_offset] * (logits.shape[1] - 1)])
    return logits / temperature + added.reshape(1, -1, 1, 1)


def platt(logits: np.ndarray, shows: np.ndarray) -> tuple[float, float]:
    """Slope and offset that make log odds most likely; 1 and 0 where all views show the same.

    Args:
        logits: (n,) float.
        shows: (n,) bool.
    """
    positives, negatives = int(shows.sum()), int((~shows).sum())
    if not positives or not negatives:
        return 1.0, 0.0
    wanted = np.where(shows, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(line: np.ndarray) -> float:
        said = line[0] * logits + line[1]
        return float((np.logaddexp(0, said) - wanted * said).mean())

    fitted = minimize(loss, np.array([1.0, 0.0]), bounds=(_SLOPES, _OFFSETS), method="L-BFGS-B")
    return float(fitted.x[0]), float(fitted.x[1])


def _temperature(
    network: nn.Module,
    pixels: Images,
    maps: ClassMaps,
    batch_size: int,
    device: torch.device,
) -> float:
    """Over a bounded number of pixels, the same from each view, drawn with a fixed seed."""
    rng = np.random.default_rng(0)
    n_pixels = min(_PIXELS_PER_VIEW, max(1, _MOST_PIXELS // len(maps)))
    logits: list[np.ndarray] = []
    wanted: list[np.ndarray] = []
    for chosen, said in _said(network, pixels, len(maps), batch_size, device):
        flat = said.flatten(2)
        places = torch.from_numpy(rng.integers(flat.shape[2], size=n_pixels))
        logits.append(flat[:, :, places].permute(0, 2, 1).flatten(0, 1).numpy())
        wanted.append(maps[chosen].flatten(1)[:, places].flatten().numpy())
    return temperature(np.concatenate(logits), np.concatenate(wanted))


def _object_offset(
    network: nn.Module,
    pixels: Images,
    maps: ClassMaps,
    temperature: float,
    batch_size: int,
    device: torch.device,
) -> float:
    """Over all pixels of all views."""
    readiness = Readiness(maps.counts.shape[1])
    for chosen, said in _said(network, pixels, len(maps), batch_size, device):
        readiness.update(said / temperature, maps[chosen])
    return readiness.offset()


def _evidence(
    network: nn.Module,
    pixels: Images,
    maps: ClassMaps,
    found: tuple[float, float],
    batch_size: int,
    device: torch.device,
) -> np.ndarray:
    """(n,) as the bundle will find it, by temperature and object offset."""
    parts = []
    for _, said in _said(network, pixels, len(maps), batch_size, device):
        levels = torch.softmax(calibrated(said, *found), 1) * LEVELS
        parts.append(evidence(levels.round().byte().numpy(), maps.defects))
    return np.concatenate(parts)


@torch.no_grad()
def _said(
    network: nn.Module,
    pixels: Images,
    n: int,
    batch_size: int,
    device: torch.device,
):
    """Positions and logits of each batch, on the CPU."""
    network.eval()
    for start in range(0, n, batch_size):
        chosen = np.arange(start, min(start + batch_size, n))
        yield chosen, network(to_images(pixels[chosen], device)).float().cpu()
