"""What a training by gradient descent minimises, and what it watches: a task's own part of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


def _note_nothing(said: Any, targets: Any) -> None:
    del said, targets


def _conclude_nothing(notes: Sequence[Any]) -> dict[str, float]:
    del notes
    return {}


def _show(network: nn.Module, images: torch.Tensor, targets: Any) -> Any:
    del targets
    return network(images)


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what is watched.

    What the network said is whatever `forward` gives; loss and metrics read it.

    Attributes:
        augment: (images, targets, generator) -> both, changed at random.
        loss: (what the network said, targets) -> mean over the batch, scalar.
        metrics: (what the network said, targets) -> figures by name, each a mean over images.
        forward: (network, images, targets) -> what the network said; by default it is shown the
            images alone.
        note: (what the network said, targets) -> what `conclude` needs of a batch; small.
        conclude: (the notes of all batches) -> figures by name that are no means over images.
        chances: (n,) float, how likely each training image is drawn, up to a factor; None:
            every image is shown once in an epoch.
    """

    augment: Callable[[torch.Tensor, Any, torch.Generator], tuple[torch.Tensor, Any]]
    loss: Callable[[Any, Any], torch.Tensor]
    metrics: Callable[[Any, Any], dict[str, float]]
    chances: torch.Tensor | None = None
    forward: Callable[[nn.Module, torch.Tensor, Any], Any] = _show
    note: Callable[[Any, Any], Any] = _note_nothing
    conclude: Callable[[Sequence[Any]], dict[str, float]] = _conclude_nothing
