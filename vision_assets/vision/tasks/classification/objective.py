"""What a classification network minimises, and what is watched."""

import torch
from torch import nn

from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.training.augment import augment
from vision_assets.vision.training.gradient_descent import Objective


def objective(recipe: ClassificationRecipe) -> Objective:
    """Cross-entropy with the recipe's label smoothing; watches accuracy."""

    def change(
        images: torch.Tensor, targets: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        return augment(images, recipe.augment, generator), targets

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(
            logits, targets.to(logits.device), label_smoothing=recipe.label_smoothing
        )

    return Objective(change, loss, _accuracy)


def _accuracy(logits: torch.Tensor, targets: torch.Tensor) -> dict[str, float]:
    right = logits.argmax(1) == targets.to(logits.device)
    return {"accuracy": float(right.float().mean())}
