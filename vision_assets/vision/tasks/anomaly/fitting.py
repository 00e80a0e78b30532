"""Filling a memory bank in one pass over normal images, in memory that does not grow with them.

The pass is divided into as many parts as the recipe says epochs; after each the state is kept,
so that a crash costs one part.
"""

import math
import time
from typing import Any

import numpy as np
import torch

from vision_assets.vision.tasks.anomaly.coreset import RunningCoreset
from vision_assets.vision.tasks.anomaly.memory_bank import MemoryBank
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.progress import EpochReport, OnEpoch
from vision_assets.vision.training.validation import to_images

_SCALED_BY = 64
"""Images that the deviation of the channels is found on."""
_LEAST_DEVIATION = 1e-6


@torch.no_grad()
def fill_bank(
    network: MemoryBank,
    train: Samples,
    val: Samples,
    recipe: AnomalyRecipe,
    device: torch.device,
    on_epoch: OnEpoch,
    checkpoint: Checkpoint,
) -> list[EpochReport]:
    """Fill the bank in place, going on where an earlier process was stopped.

    Returns:
        One report per part: `train_loss` is the squared radius around the bank's patches that
        covers what came by, `val_loss`, behind the last part, the mean distance of val images.
    """
    network.eval()
    filling = _Filling(network, train, recipe, device)
    state = checkpoint.load()
    if state is not None:
        filling.load(state)
        for report in filling.history:
            on_epoch(report)
    while len(filling.history) < filling.n_parts:
        filling.part(val)
        checkpoint.save(filling.state())
        on_epoch(filling.history[-1])
    filling.finish()
    return filling.history


class _Filling:
    """The state of one pass."""

    def __init__(
        self, network: MemoryBank, train: Samples, recipe: AnomalyRecipe, device: torch.device
    ) -> None:
        self.network, self.train, self.recipe, self.device = network, train, recipe, device
        self.order = np.random.default_rng(recipe.seed).permutation(len(train))
        self.n_parts = min(recipe.epochs, len(train))
        self.coreset = RunningCoreset(recipe.bank_size, network.bank.shape[1])
        self.deviation = self._deviation()
        self.history: list[EpochReport] = []

    def part(self, val: Samples) -> None:
        """Take in the images of the next part, and report."""
        before = self.history[-1].seconds if self.history else 0.0
        began, number = time.perf_counter(), len(self.history) + 1
        chosen = np.array_split(self.order, self.n_parts)[number - 1]
        for batch in _batches(chosen, self.recipe.batch_size):
            self.coreset.add(self._patches(batch) / self.deviation)
        filled = time.perf_counter()
        is_last = number == self.n_parts
        if is_last:
            self.finish()
        val_loss = self._distance(val) if is_last else None
        seconds = before + time.perf_counter() - began
        self.history.append(
            EpochReport(
                epoch=number,
                epochs=self.n_parts,
                train_loss=self.coreset.radius / len(self.deviation),
                val_loss=val_loss,
                val_metrics={},
                seconds=seconds,
                eta_s=seconds / number * (self.n_parts - number),
                images_per_s=len(chosen) / (filled - began),
            )
        )

    def finish(self) -> None:
        """Hand the choice over to the network."""
        points = self.coreset.chosen().to(self.network.bank.device)
        self.network.fill(points, self.deviation.to(self.network.bank.device))

    def state(self) -> dict[str, Any]:
        """What the next part depends on."""
        return {
            "points": self.coreset.points,
            "radius": self.coreset.radius,
            "history": [report.to_json() for report in self.history],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.coreset.points, self.coreset.radius = state["points"], state["radius"]
        self.history = [EpochReport(**entry) for entry in state["history"]]

    def _deviation(self) -> torch.Tensor:
        """Of each channel, (d,), over a few images."""
        batches = _batches(self.order[:_SCALED_BY], self.recipe.batch_size)
        parts = [self._patches(batch).double() for batch in batches]
        n = sum(map(len, parts))
        mean = torch.stack([part.sum(0) for part in parts]).sum(0) / n
        squares = torch.stack([(part - mean).square().sum(0) for part in parts]).sum(0)
        return (squares / n).sqrt().clamp(min=_LEAST_DEVIATION).float()

    def _patches(self, chosen: np.ndarray) -> torch.Tensor:
        """(n, d) patches of images, on the CPU."""
        found = self.network.patches(to_images(self.train.pixels[chosen], self.device))
        return found.permute(0, 2, 3, 1).flatten(0, 2).cpu()

    def _distance(self, val: Samples) -> float:
        """The mean of the raw anomaly maps of normal images."""
        batches = _batches(np.arange(len(val)), self.recipe.batch_size)
        found = [
            float(self.network(to_images(val.pixels[batch], self.device)).mean()) * len(batch)
            for batch in batches
        ]
        return sum(found) / len(val)


def _batches(chosen: np.ndarray, size: int) -> list[np.ndarray]:
    return np.array_split(chosen, math.ceil(len(chosen) / size))
