"""What a detector minimises, and what is watched."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vision_assets.vision.tasks.detection.augment import augment
from vision_assets.vision.tasks.detection.detector import Detector, strongest
from vision_assets.vision.tasks.detection.outputs import CANDIDATES
from vision_assets.vision.tasks.detection.spec import (
    MEAN_AVERAGE_PRECISION_50,
    DetectionRecipe,
)
from vision_assets.vision.tasks.detection.targets import BoxTargets
from vision_assets.vision.tasks.detection.watch import Noted, mean_average_precision_50, note
from vision_assets.vision.training.objective import Objective

_MOST_EMPTY = 0.5
"""Share of views without an object among those that are shown, at most."""


@dataclass(frozen=True)
class Said:
    """What a network said of a batch.

    Attributes:
        network: who said it.
        response: of its layers.
        losses: parts of the loss by name.
    """

    network: Detector
    response: Any
    losses: dict[str, torch.Tensor]


def objective(recipe: DetectionRecipe, targets: BoxTargets) -> Objective:
    """The network's own losses; watches them, and the mean average precision.

    Args:
        recipe: how images are changed and boxes made one.
        targets: of the training views.
    """

    def change(
        images: torch.Tensor, targets: BoxTargets, generator: torch.Generator
    ) -> tuple[torch.Tensor, BoxTargets]:
        return augment(images, targets, recipe.augment, generator)

    def noted(said: Said, targets: BoxTargets) -> Noted:
        found = strongest(said.network.see(said.response), CANDIDATES)
        return note(found, targets, recipe.overlap, recipe.most_objects)

    return Objective(
        augment=change,
        loss=_loss,
        metrics=_parts,
        chances=chances(targets),
        forward=_forward,
        note=noted,
        conclude=_concluded,
    )


def chances(targets: BoxTargets) -> torch.Tensor | None:
    """How likely each view is drawn, so that those without objects are half of them at most.

    None where they are fewer anyway: then each is shown once.
    """
    empty = targets.counts() == 0
    n_empty, n = int(empty.sum()), len(targets)
    if n_empty in (0, n) or n_empty <= _MOST_EMPTY * n:
        return None
    return torch.where(empty, (n - n_empty) / n_empty * _MOST_EMPTY / (1 - _MOST_EMPTY), 1.0)


def _forward(network: nn.Module, images: torch.Tensor, targets: BoxTargets) -> Said:
    assert isinstance(network, Detector)
    response = network.response(images)
    return Said(network, response, network.losses(response, targets))


def _loss(said: Said, targets: BoxTargets) -> torch.Tensor:
    del targets
    return torch.stack(list(said.losses.values())).sum()


def _parts(said: Said, targets: BoxTargets) -> dict[str, float]:
    del targets
    return {name: float(value) for name, value in said.losses.items()}


def _concluded(batches: Sequence[Noted]) -> dict[str, float]:
    return {MEAN_AVERAGE_PRECISION_50: mean_average_precision_50(batches)}
