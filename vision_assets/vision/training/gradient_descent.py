"""Training by gradient descent: AdamW under a one-cycle schedule.

The last weights are kept, not the best ones on the val split: the schedule ends at a
learning rate of nearly zero, where a choice among epochs follows the noise of a small val
split and makes its figures too good.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.spec import Recipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.batch_statistics import renew_batch_statistics
from vision_assets.vision.training.progress import EpochReport, OnEpoch

_WARM_UP = 0.2
_STATISTICS_BATCHES = 8
_MAX_GRADIENT_NORM = 5.0


@dataclass(frozen=True)
class Objective:
    """What is minimised, and what is watched.

    Attributes:
        augment: (images, targets, generator) -> both, changed at random.
        loss: (what the network said, targets) -> mean over the batch, scalar.
        metrics: (what the network said, targets) -> figures by name, each a mean over images.
    """

    augment: Callable[[torch.Tensor, Any, torch.Generator], tuple[torch.Tensor, Any]]
    loss: Callable[[Any, Any], torch.Tensor]
    metrics: Callable[[Any, Any], dict[str, float]]


def descend(
    network: nn.Module,
    objective: Objective,
    train: Samples,
    val: Samples,
    recipe: Recipe,
    device: torch.device,
    on_epoch: OnEpoch,
) -> list[EpochReport]:
    """Train the network in place.

    Args:
        network: takes (n, 3, h, w) float images, 0..255; lies on the device.
        objective: what is minimised and watched.
        train: at least one sample.
        val: may be empty.
        recipe: epochs, batches, learning rate, seed.
        device: where batches go.
        on_epoch: told after each epoch.

    Returns:
        The history, one report per epoch.

    Raises:
        TrainingError: the loss is no longer a number.
    """
    descent = _Descent(network, objective, train, recipe, device)
    history: list[EpochReport] = []
    began = time.perf_counter()
    for epoch in range(1, recipe.epochs + 1):
        epoch_began = time.perf_counter()
        train_loss = descent.epoch()
        _check_finite(train_loss, epoch, recipe)
        trained = time.perf_counter()
        renew_batch_statistics(network, descent.some_batches())
        val_loss, val_metrics = validate(network, objective, val, recipe.batch_size, device)
        seconds = time.perf_counter() - began
        history.append(
            EpochReport(
                epoch=epoch,
                epochs=recipe.epochs,
                train_loss=train_loss,
                val_loss=val_loss,
                val_metrics=val_metrics,
                seconds=seconds,
                eta_s=seconds / epoch * (recipe.epochs - epoch),
                images_per_s=len(train) / (trained - epoch_began),
            )
        )
        on_epoch(history[-1])
    return history


def to_images(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """(n, h, w, 3) uint8 pixels as (n, 3, h, w) float images, 0..255, channels last in memory."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(0, 3, 1, 2).float()


@torch.no_grad()
def validate(
    network: nn.Module,
    objective: Objective,
    samples: Samples,
    batch_size: int,
    device: torch.device,
) -> tuple[float | None, dict[str, float]]:
    """Loss and metrics over samples, as means over images; (None, {}) where there are none."""
    if not len(samples):
        return None, {}
    network.eval()
    loss, metrics = 0.0, dict[str, float]()
    for chosen in _chunks(np.arange(len(samples)), batch_size):
        said = network(to_images(samples.pixels[chosen], device))
        share = len(chosen) / len(samples)
        loss += float(objective.loss(said, samples.targets[chosen])) * share
        for name, value in objective.metrics(said, samples.targets[chosen]).items():
            metrics[name] = metrics.get(name, 0.0) + value * share
    return loss, metrics


@torch.no_grad()
def run_network(
    network: nn.Module, samples: Samples, batch_size: int, device: torch.device
) -> torch.Tensor:
    """What a network says of samples, on the CPU; its output is one tensor, the batch first."""
    network.eval()
    if not len(samples):
        return torch.empty(0, 0)
    chunks = _chunks(np.arange(len(samples)), batch_size)
    said = [network(to_images(samples.pixels[chosen], device)).cpu() for chosen in chunks]
    return torch.cat(said)


class _Descent:
    """The state of one training."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        train: Samples,
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        self.network, self.objective, self.train = network, objective, train
        self.batch_size, self.device = recipe.batch_size, device
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.optimizer = _optimizer(network, recipe)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer,
            recipe.learning_rate,
            total_steps=recipe.epochs * math.ceil(len(train) / recipe.batch_size),
            pct_start=_WARM_UP,
        )

    def epoch(self) -> float:
        """Show every image once; the mean loss."""
        self.network.train()
        order = torch.randperm(len(self.train), generator=self.generator).numpy()
        losses = [self._step(chosen) * len(chosen) for chosen in _chunks(order, self.batch_size)]
        return float(torch.stack(losses).sum()) / len(self.train)

    def some_batches(self) -> Iterator[torch.Tensor]:
        """A few batches of training images, not augmented, as val and test images are not."""
        order = torch.randperm(len(self.train), generator=self.generator).numpy()
        for chosen in islice(_chunks(order, self.batch_size), _STATISTICS_BATCHES):
            yield to_images(self.train.pixels[chosen], self.device)

    def _step(self, chosen: np.ndarray) -> torch.Tensor:
        images, targets = self.objective.augment(
            to_images(self.train.pixels[chosen], self.device),
            self.train.targets[chosen],
            self.generator,
        )
        loss = self.objective.loss(self.network(images), targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.schedule.step()
        return loss.detach()


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; biases and the scales of normalisations do not decay."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], recipe.learning_rate)


def _chunks(indices: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """As few chunks as possible of nearly the same size: a batch of one has no statistics."""
    yield from np.array_split(indices, math.ceil(len(indices) / size))


def _check_finite(loss: float, epoch: int, recipe: Recipe) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss became {loss} in epoch {epoch}; lower recipe.learning_rate, "
            f"which is {recipe.learning_rate:g}"
        )
