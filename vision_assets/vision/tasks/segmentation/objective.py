"""What a segmentation network minimises, and what is watched.

Cross-entropy over pixels says how sure to be, Dice (Milletari et al., "V-Net", 2016) does not
care how much background there is.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.training.augment import change_light, draw_geometry, warp
from vision_assets.vision.training.objective import Objective

_MOST_WEIGHT = 10.0
_EXPONENT = {"none": 0.0, "sqrt": 0.5, "inverse": 1.0}


def objective(recipe: SegmentationRecipe, counts: np.ndarray) -> Objective:
    """Cross-entropy and Dice; watches the mean IoU.

    Args:
        recipe: also says what is done about rare classes and empty views.
        counts: (n, k + 1), pixels of each class in each training view.
    """
    weights = class_weights(counts, _EXPONENT[recipe.class_weights])

    def change(
        images: torch.Tensor, maps: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return augment_pair(images, maps, recipe.augment, generator)

    def loss(logits: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
        wanted = maps.to(logits.device).long()
        said = logits.float()
        entropy = nn.functional.cross_entropy(said, wanted, weights.to(said.device))
        return (1 - recipe.dice) * entropy + recipe.dice * dice_loss(said, wanted)

    chances = view_chances(counts, recipe.object_share)
    return Objective(change, loss, _no_metrics, chances, note=pixel_confusion, conclude=mean_iou)


def augment_pair(
    images: torch.Tensor, maps: torch.Tensor, how: str, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Change images as `augment` does, and move their maps with them.

    Args:
        images: (n, 3, h, w) float, 0..255.
        maps: (n, h, w) uint8.
        how: as in `augment`.
        generator: on the CPU.
    """
    geometry = draw_geometry(images, how, generator)
    if geometry is None:
        return images, maps
    moved = warp(maps[:, None].float(), geometry, "nearest")[:, 0].round().to(torch.uint8)
    return change_light(warp(images, geometry), how, generator), moved


def class_weights(counts: np.ndarray, exponent: float) -> torch.Tensor:
    """(k + 1,) by how rare the pixels of each class are; 1 for the most frequent one.

    Args:
        counts: (n, k + 1), pixels of each class in each view.
        exponent: 0 for none, 1 for the inverse of the share.
    """
    pixels = torch.from_numpy(counts.sum(0)).double()
    rarity = (pixels.max() / pixels.clamp(min=1)) ** exponent
    return rarity.clamp(max=_MOST_WEIGHT).where(pixels > 0, torch.tensor(1.0).double()).float()


def view_chances(counts: np.ndarray, object_share: float | None) -> torch.Tensor | None:
    """How likely each view is drawn, so that enough of them show an object.

    Views of a class that few views show are drawn more often, by the square root of its rarity.

    Args:
        counts: (n, k + 1), pixels of each class in each view.
        object_share: least share of drawn views with an object; None: each is shown once.

    Returns:
        (n,) double; None where each view is shown once.
    """
    shows = counts[:, 1:] > 0
    with_object = shows.any(1)
    share = float(with_object.mean())
    if object_share is None or share in (0.0, 1.0):
        return None
    views_of = np.maximum(shows.sum(0), 1)
    rarity = np.sqrt(views_of.max() / views_of)
    chance = np.where(shows, rarity, 0).max(1)
    chance[with_object] *= max(share, object_share) / chance.sum()
    chance[~with_object] = (1 - max(share, object_share)) / (~with_object).sum()
    return torch.from_numpy(chance)


def dice_loss(logits: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """1 - Dice, the mean over the classes that the batch shows; 0 where it shows none.

    Pixels of all views count together, as in the IoU that is judged (the batch Dice of Isensee et
    al., "nnU-Net", 2021): small defects that cannot be told yet do not drown what can be learned
    first, and what is said of views without an object counts against it.

    Args:
        logits: (n, k + 1, h, w).
        maps: (n, h, w) int64.
    """
    said = torch.softmax(logits, 1)[:, 1:]
    wanted = nn.functional.one_hot(maps, logits.shape[1]).permute(0, 3, 1, 2)[:, 1:].to(said)
    both, shown = (said * wanted).sum((0, 2, 3)), wanted.sum((0, 2, 3))
    dice = (2 * both + 1) / (said.sum((0, 2, 3)) + shown + 1)
    present = (shown > 0).to(said)
    return ((1 - dice) * present).sum() / present.sum().clamp(min=1)


def pixel_confusion(logits: torch.Tensor, maps: torch.Tensor) -> torch.Tensor:
    """Pixels of each class that are said to be of each class, (k + 1, k + 1) int64 on the CPU.

    Args:
        logits: (n, k + 1, h, w).
        maps: (n, h, w) uint8.
    """
    k = logits.shape[1]
    said, shown = logits.argmax(1).flatten(), maps.to(logits.device).long().flatten()
    return torch.bincount(shown * k + said, minlength=k * k).reshape(k, k).cpu()


def mean_iou(confusions: Sequence[torch.Tensor]) -> dict[str, float]:
    """`mean_iou` over the classes that all views together show; nothing where they show none."""
    counts = torch.stack(list(confusions)).sum(0).double()
    both, shown, said = counts.diag()[1:], counts.sum(1)[1:], counts.sum(0)[1:]
    found = (both / (said + shown - both))[shown > 0]
    return {"mean_iou": float(found.mean())} if len(found) else {}


def _no_metrics(logits: torch.Tensor, maps: torch.Tensor) -> dict[str, float]:
    """The mean IoU is no mean over images."""
    del logits, maps
    return {}
