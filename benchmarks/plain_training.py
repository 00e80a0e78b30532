"""What one writes by hand: a loop over batches with the same steps as ours."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from benchmarks.work import Figures
from vision_assets.vision.spec import Recipe
from vision_assets.vision.training.objective import Objective

Batch = tuple[torch.Tensor, Any]
_MAX_GRADIENT_NORM = 5.0


def plain_training(
    network: nn.Module,
    aim: Objective,
    recipe: Recipe,
    n_images: int,
    batches: Callable[[], Iterable[Batch]],
) -> Figures:
    """The rate of the fastest epoch but the first, and that of the first.

    Args:
        network: is trained in place.
        aim: augmentation and loss, on tensors.
        recipe: epochs, learning rate, average.
        n_images: of an epoch.
        batches: of one epoch: images, (n, 3, h, w) float, and their targets.
    """
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), recipe.learning_rate)
    n_steps = recipe.epochs * -(-n_images // recipe.batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, n_steps)
    follow = _average(network, recipe)
    generator = torch.Generator().manual_seed(recipe.seed)

    def step(images: torch.Tensor, targets: Any) -> None:
        images, targets = aim.augment(images, targets, generator)
        loss = aim.loss(aim.forward(network, images, targets), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), _MAX_GRADIENT_NORM)
        optimizer.step()
        schedule.step()
        follow()

    seconds = list(_timed_epochs(recipe.epochs, batches, step))
    return {
        "images_per_s": n_images / min(seconds[1:]),
        "first_images_per_s": n_images / seconds[0],
    }


def _timed_epochs(
    n_epochs: int, batches: Callable[[], Iterable[Batch]], step: Callable[[torch.Tensor, Any], None]
) -> Iterator[float]:
    for _ in range(n_epochs):
        began = time.perf_counter()
        for images, targets in batches():
            step(images, targets)
        yield time.perf_counter() - began


def _average(network: nn.Module, recipe: Recipe) -> Callable[[], None]:
    """What keeps torch's moving average of the weights, where the recipe wants one."""
    if recipe.average is None:
        return lambda: None
    averaged = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(recipe.average))
    return lambda: averaged.update_parameters(network)
