"""Training by gradient descent: AdamW under a schedule of the learning rate.

The last weights are kept unless the recipe says otherwise, not the best ones on the val split:
a schedule that ends at a learning rate of nearly zero needs no choice among epochs, and such a
choice follows the noise of a small val split and makes its figures too good.

The state is saved after each epoch. The generators that a network may draw from (torch's,
Python's, numpy's) are seeded anew for each, so that an epoch is the same whether the process
that computes it has computed those before or not.
"""

import math
import random
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.spec import Recipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.average import MovingAverage
from vision_assets.vision.training.batch_statistics import renew_batch_statistics
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.device import computes_mixed
from vision_assets.vision.training.objective import Objective
from vision_assets.vision.training.progress import EpochReport, OnEpoch, kept_epoch, val_loss
from vision_assets.vision.training.schedule import schedule
from vision_assets.vision.training.validation import chunks, to_images, validate
from vision_assets.vision.training.weights import load_weights

_STATISTICS_BATCHES = 8
_MAX_GRADIENT_NORM = 5.0


def descend(
    network: nn.Module,
    objective: Objective,
    train: Samples,
    val: Samples,
    recipe: Recipe,
    device: torch.device,
    on_epoch: OnEpoch,
    checkpoint: Checkpoint,
) -> list[EpochReport]:
    """Train the network in place, going on where an earlier process was stopped.

    Args:
        network: takes (n, 3, h, w) float images, 0..255; lies on the device.
        objective: what is minimised and watched.
        train: at least one sample.
        val: may be empty.
        recipe: epochs, batches, learning rate, seed.
        device: where batches go.
        on_epoch: told after each epoch; of a training that goes on, at once of those before.
        checkpoint: where the state is kept after each epoch.

    Returns:
        The history, one report per epoch.

    Raises:
        TrainingError: the loss is no longer a number, or the recipe needs a val split.
    """
    if not len(val) and (recipe.keep == "best" or recipe.patience):
        raise TrainingError(
            "expected images in the val split for recipe.keep: best and recipe.patience, got none; "
            "raise splits.val, or keep the last weights"
        )
    descent = _Descent(network, objective, train, val, recipe, device)
    state = checkpoint.load()
    if state is not None:
        descent.load(state)
        for report in descent.history:
            on_epoch(report)
    while not _is_over(descent.history, recipe):
        report = descent.epoch()
        checkpoint.save(descent.state())
        on_epoch(report)
    load_weights(network, descent.kept())
    return descent.history


def _is_over(history: list[EpochReport], recipe: Recipe) -> bool:
    """Whether all epochs are done, or the recipe's patience is at its end."""
    if not history or recipe.patience is None:
        return len(history) == recipe.epochs
    waited = history[-1].epoch - min(history, key=val_loss).epoch
    return len(history) == recipe.epochs or waited >= recipe.patience


class _Descent:
    """The state of one training."""

    def __init__(
        self,
        network: nn.Module,
        objective: Objective,
        train: Samples,
        val: Samples,
        recipe: Recipe,
        device: torch.device,
    ) -> None:
        self.network, self.objective, self.recipe, self.device = network, objective, recipe, device
        self.train, self.val = train, val
        self.mixed = computes_mixed(recipe.precision, device)
        self.generator = torch.Generator().manual_seed(recipe.seed)
        self.optimizer = _optimizer(network, recipe)
        n_steps = recipe.epochs * math.ceil(len(train) / recipe.batch_size)
        self.schedule = schedule(self.optimizer, recipe, n_steps)
        self.average = MovingAverage(network, recipe.average) if recipe.average else None
        self.history: list[EpochReport] = []
        self.best: dict[str, torch.Tensor] | None = None

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept: the moving average where there is one."""
        return self.average.network if self.average else self.network

    def epoch(self) -> EpochReport:
        """Show as many images as there are, and validate."""
        before = self.history[-1].seconds if self.history else 0.0
        epoch, began = len(self.history) + 1, time.perf_counter()
        _seed_generators(self.recipe.seed, epoch)
        train_loss = self._train()
        _check_finite(train_loss, epoch, self.recipe)
        trained = time.perf_counter()
        renew_batch_statistics(self.judged, self._some_batches())
        val_loss, val_metrics = validate(
            self.judged, self.objective, self.val, self.recipe.batch_size, self.device
        )
        seconds = before + time.perf_counter() - began
        report = EpochReport(
            epoch=epoch,
            epochs=self.recipe.epochs,
            train_loss=train_loss,
            val_loss=val_loss,
            val_metrics=val_metrics,
            seconds=seconds,
            eta_s=seconds / epoch * (self.recipe.epochs - epoch),
            images_per_s=len(self.train) / (trained - began),
        )
        self.history.append(report)
        if self.recipe.keep == "best" and kept_epoch(self.history, "best") is report:
            self.best = {n: value.clone() for n, value in self.judged.state_dict().items()}
        return report

    def kept(self) -> dict[str, torch.Tensor]:
        """The weights that the training leaves behind."""
        return self.judged.state_dict() if self.best is None else self.best

    def state(self) -> dict[str, Any]:
        """All that the next epoch depends on, and what was found so far."""
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "generator": self.generator.get_state(),
            "average": self.average.state() if self.average else None,
            "best": self.best,
            "history": [report.to_json() for report in self.history],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        load_weights(self.network, state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.generator.set_state(state["generator"])
        if self.average:
            self.average.load(state["average"])
        self.best = state["best"]
        self.history = [EpochReport(**entry) for entry in state["history"]]

    def _train(self) -> float:
        """The mean loss over one epoch."""
        self.network.train()
        parts = chunks(self._order(), self.recipe.batch_size)
        losses = [self._step(chosen) * len(chosen) for chosen in parts]
        return float(torch.stack(losses).sum()) / len(self.train)

    def _order(self) -> np.ndarray:
        """Which images are shown in an epoch, in order."""
        n, chances = len(self.train), self.objective.chances
        if chances is None:
            return torch.randperm(n, generator=self.generator).numpy()
        return torch.multinomial(chances, n, replacement=True, generator=self.generator).numpy()

    def _some_batches(self) -> Iterator[torch.Tensor]:
        """A few batches of training images, not augmented, as val and test images are not."""
        parts = chunks(self._order(), self.recipe.batch_size)
        for chosen in islice(parts, _STATISTICS_BATCHES):
            yield to_images(self.train.pixels[chosen], self.device)

    def _step(self, chosen: np.ndarray) -> torch.Tensor:
        images, targets = self.objective.augment(
            to_images(self.train.pixels[chosen], self.device),
            self.train.targets[chosen],
            self.generator,
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.mixed):
            said = self.objective.forward(self.network, images, targets)
            loss = self.objective.loss(said, targets)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), _MAX_GRADIENT_NORM)
        self.optimizer.step()
        self.schedule.step()
        if self.average:
            self.average.follow(self.network)
        return loss.detach()


def _seed_generators(seed: int, epoch: int) -> None:
    """Seed what a network may draw from by the epoch, so that nothing of it needs saving."""
    drawn = int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])
    torch.manual_seed(drawn)
    random.seed(drawn)
    np.random.seed(drawn)


def _optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """AdamW; biases and the scales of normalisations do not decay."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], recipe.learning_rate)


def _check_finite(loss: float, epoch: int, recipe: Recipe) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"the loss became {loss} in epoch {epoch}; lower recipe.learning_rate, "
            f"which is {recipe.learning_rate:g}"
        )
