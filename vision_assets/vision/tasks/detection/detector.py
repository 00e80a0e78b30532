"""What all networks of detection share: normalisation, and what they say of a batch."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from vision_assets.vision.tasks.detection.targets import BoxTargets

_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""From scratch, grey levels become -2..2, the same in every channel, as surfaces are grey."""
_GREY_LEVELS = 255.0


@dataclass(frozen=True)
class Seen:
    """What a network saw in a batch, before boxes of one object are made one.

    Attributes:
        boxes: (n, a, 4) float, left, top, right, bottom; 0 and 1 are the view's edges.
        scores: (n, a, k) float in 0..1, of each class.
        embedding: (n, d) float.
        activation: (n, h', w') float in 0..1, how surely an object is there.
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    embedding: torch.Tensor
    activation: torch.Tensor


@dataclass(frozen=True)
class Found:
    """The strongest pairs of box and class of each view, strongest first.

    Attributes:
        boxes: (n, m, 4) float.
        scores: (n, m) float.
        classes: (n, m) int64.
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    classes: torch.Tensor


class Detector(nn.Module, ABC):
    """Normalisation and a network that finds objects.

    Takes (n, 3, h, w) float images, 0..255, and in training the objects on them.

    Attributes:
        mean, std: (3, 1, 1), of levels 0..255, by which images are normalised; kept with the
            weights, as these expect them.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", _levels(_MEAN))
        self.register_buffer("std", _levels(_STD))

    def forward(self, images: torch.Tensor) -> Seen:
        """What the network sees in images."""
        return self.see(self.response(images))

    def response(self, images: torch.Tensor) -> Any:
        """What the layers give, as `losses` and `see` take it."""
        return self.respond((images - self.mean) / self.std)

    @abstractmethod
    def respond(self, images: torch.Tensor) -> Any:
        """What the layers give for normalised images."""

    @abstractmethod
    def losses(self, response: Any, targets: BoxTargets) -> dict[str, torch.Tensor]:
        """The parts of the loss by name, each a mean over the batch; their sum is minimised."""

    @abstractmethod
    def see(self, response: Any) -> Seen:
        """What the response means; can be traced with a free batch."""

    def expect(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Normalise by the mean and standard deviation, of levels 0..1, that weights expect."""
        self.mean.copy_(_levels(mean))
        self.std.copy_(_levels(std))


def strongest(seen: Seen, most: int) -> Found:
    """The pairs of box and class with the highest scores; fewer where there are not so many.

    Args:
        seen: of a batch.
        most: pairs of each view.
    """
    anchors, classes = int(seen.boxes.shape[1]), int(seen.scores.shape[2])
    best = seen.scores.amax(2).topk(min(most, anchors), 1).indices
    boxes = seen.boxes.gather(1, best[..., None].expand(-1, -1, 4))
    scores = seen.scores.gather(1, best[..., None].expand(-1, -1, classes)).flatten(1)
    top = scores.topk(min(most, min(most, anchors) * classes), 1)
    of_box = torch.div(top.indices, classes, rounding_mode="floor")
    return Found(
        boxes.gather(1, of_box[..., None].expand(-1, -1, 4)),
        top.values,
        top.indices - of_box * classes,
    )


def _levels(of_one: Sequence[float]) -> torch.Tensor:
    """Levels 0..1 of three channels as levels 0..255, (3, 1, 1)."""
    return (torch.tensor(of_one) * _GREY_LEVELS).reshape(3, 1, 1)
