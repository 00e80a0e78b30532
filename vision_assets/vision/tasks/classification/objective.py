"""What a classification network minimises, and what is watched."""

import torch
from torch import nn

from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.training.augment import augment
from vision_assets.vision.training.objective import Objective


def objective(recipe: ClassificationRecipe, targets: torch.Tensor) -> Objective:
    """Cross-entropy with the recipe's label smoothing; watches accuracy.

    Args:
        recipe: also says what is done about classes of few images.
        targets: (n,) of the training images.
    """
    rarity = _rarity(targets)
    weights = rarity.sqrt() if recipe.imbalance == "weights" else None

    def change(
        images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return augment(images, recipe.augment, generator), targets

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return _cross_entropy(logits, targets.to(logits.device), weights, recipe.label_smoothing)

    chances = rarity[targets] if recipe.imbalance == "sampler" else None
    return Objective(change, loss, _accuracy, chances)


def _rarity(targets: torch.Tensor) -> torch.Tensor:
    """(n_classes,) by how much each class is rarer than the mean one."""
    counts = torch.bincount(targets).float()
    return counts.mean() / counts.clamp(min=1)


def _cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor | None, smoothing: float
) -> torch.Tensor:
    """The mean over images, each by the weight of its class; 1 for a class that is not listed."""
    if weights is None:
        return nn.functional.cross_entropy(logits, targets, label_smoothing=smoothing)
    missing = logits.shape[1] - len(weights)
    listed = nn.functional.pad(weights.to(logits.device), (0, missing), value=1.0)
    losses = nn.functional.cross_entropy(
        logits, targets, label_smoothing=smoothing, reduction="none"
    )
    return (losses * listed[targets]).mean()


def _accuracy(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    right = logits.argmax(1) == targets.to(logits.device)
    return {"accuracy": float(right.float().mean())}
