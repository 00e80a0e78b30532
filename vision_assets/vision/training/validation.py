"""Samples through a network in batches: its loss, figures and outputs; nothing is learned."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.objective import Objective


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
    """Loss and metrics over samples; (None, {}) where there are none."""
    if not len(samples):
        return None, {}
    network.eval()
    loss, metrics, notes = 0.0, dict[str, float](), list[Any]()
    for chosen in chunks(np.arange(len(samples)), batch_size):
        targets = samples.targets[chosen]
        said = objective.forward(network, to_images(samples.pixels[chosen], device), targets)
        share = len(chosen) / len(samples)
        loss += float(objective.loss(said, targets)) * share
        for name, value in objective.metrics(said, targets).items():
            metrics[name] = metrics.get(name, 0.0) + value * share
        notes.append(objective.note(said, targets))
    return loss, metrics | objective.conclude(notes)


@torch.no_grad()
def run_network(
    network: nn.Module, samples: Samples, batch_size: int, device: torch.device
) -> torch.Tensor:
    """What a network says of samples, on the CPU; its output is one tensor, the batch first."""
    network.eval()
    if not len(samples):
        return torch.empty(0, 0)
    parts = chunks(np.arange(len(samples)), batch_size)
    said = [network(to_images(samples.pixels[chosen], device)).cpu() for chosen in parts]
    return torch.cat(said)


def chunks(indices: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """As few chunks as possible of nearly the same size: a batch of one has no statistics."""
    yield from np.array_split(indices, math.ceil(len(indices) / size))
