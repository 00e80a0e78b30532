"""What the network that finds painted defects minimises, and the val images that it is watched on.

Focal loss (Lin et al., "Focal Loss for Dense Object Detection", 2017) with Dice: the pixels of a
defect are few.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.anomaly.synthetic import paint_defects
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.augment import augment
from vision_assets.vision.training.objective import Objective
from vision_assets.vision.training.validation import to_images

_DICE_SHARE = 0.3
_DICE_FLOOR_PX = 20.0
_HALF = 0.5
_LEAST_SHARE = 0.15
"""Of a cell that shows a defect; cracks and specks cover no cell by half."""


def objective(recipe: AnomalyRecipe) -> Objective:
    """Find the defects that were painted onto augmented images; watches the Dice score."""

    def paint(
        images: torch.Tensor, targets: Any, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        del targets
        return paint_defects(augment(images, recipe.augment, generator), generator)

    return Objective(paint, _loss, _metrics)


@dataclass(frozen=True)
class Painted:
    """Images with painted defects, the same ones each time: as pixels, and as targets.

    Attributes:
        samples: normal images.
        seed: of the defects.
        masks: whether indexing gives the changed pixels, or the images.
    """

    samples: Samples
    seed: int
    masks: bool = False

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the images."""
        return self.samples.pixels.shape

    def __getitem__(self, chosen: np.ndarray) -> Any:
        """(n, h, w, 3) uint8 images, or (n, h, w) float masks."""
        images = to_images(self.samples.pixels[chosen], torch.device("cpu"))
        made = [
            paint_defects(image[None], torch.Generator().manual_seed(self.seed + int(place)))
            for image, place in zip(images, chosen, strict=True)
        ]
        if self.masks:
            return torch.cat([mask for _, mask in made])
        painted = torch.cat([image for image, _ in made])
        return painted.round().to(torch.uint8).permute(0, 2, 3, 1).numpy()


def painted(samples: Samples, seed: int) -> Samples:
    """Normal images as the network is watched on them: with defects, and where these are."""
    return Samples(Painted(samples, seed), Painted(samples, seed, masks=True))


def _loss(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    wanted = _at_size_of(logits, masks)
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    chance = torch.sigmoid(logits)
    surprise = torch.where(wanted > _HALF, 1 - chance, chance)
    return 2 * (surprise * entropy).mean() + _DICE_SHARE * (1 - _dice(chance, wanted).mean())


def _metrics(logits: torch.Tensor, masks: torch.Tensor) -> dict[str, float]:
    wanted = _at_size_of(logits, masks)
    return {"dice": float(_dice((logits > 0).float(), wanted).mean())}


def _dice(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """(n,) overlap of each image; the floor makes it 1 where there is nothing to find."""
    common = (found * wanted).sum((1, 2))
    both = found.sum((1, 2)) + wanted.sum((1, 2))
    return (2 * common + _DICE_FLOOR_PX) / (both + _DICE_FLOOR_PX)


def _at_size_of(logits: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """Masks at the size of a network's map: a cell shows what touches it."""
    size = (int(logits.shape[1]), int(logits.shape[2]))
    shares = nn.functional.adaptive_avg_pool2d(masks.to(logits.device)[:, None], size)
    return (shares[:, 0] >= _LEAST_SHARE).float()
