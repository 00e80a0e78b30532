"""Defects painted onto normal images, so that a network can learn to find what does not belong.

What is painted is a piece of another image, a piece of the same one from elsewhere, another level,
noise, or the image's own ground under another grain: weaker, stronger, turned, or of another image.
How strong it is goes by the grain of the image, the fine detail that its surface shows anyway; what
could not be seen against it is not painted. The idea is that of Li et al., "CutPaste:
Self-Supervised Learning for Anomaly Detection and Localization", 2021, and of Zavrtanik et al.,
"DRAEM: A Discriminatively Trained Reconstruction Embedding for Surface Anomaly Detection", 2021.
"""

import torch
from torch import nn

from vision_assets.vision.tasks.anomaly.draws import (
    any_below,
    log_uniform,
    of_each,
    signs,
    uniform,
)
from vision_assets.vision.tasks.anomaly.places import draw_noise, draw_places

_MOST_SHAPES = 3
_CLEAN_SHARE = 0.3
_OPACITY = (0.5, 1.0)
_EDGE = 0.2
"""Least cover of a place's pixels."""
_GREY_LEVELS = 255.0
_GROUND_CELL_PX = 12
_LEAST_GRAIN = 0.5
_CONTRAST = (2.0, 16.0)
"""Of levels and noise, in mean absolute deviations of the grain."""
_FACTOR = (0.1, 4.0)
"""Of a grain that is weaker or stronger."""
_SEEN_FROM = 0.6
"""Mean change, in the same unit, of a defect that can be seen."""
_FROM_ANOTHER, _FROM_ITSELF, _LEVEL, _NOISE, _GRAIN = range(5)
_KINDS = torch.tensor([1.0, 1.0, 3.0, 1.0, 3.0])
"""How often each kind is painted."""


def paint_defects(
    images: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint up to three defects of one kind onto most images of a batch.

    Args:
        images: (n, 3, h, w) float, 0..255.
        generator: on the CPU.

    Returns:
        The images, and where defects that can be seen were painted, (n, h, w) float, 0 or 1.
    """
    n, _, height, width = images.shape
    clean = torch.rand(n, generator=generator) < _CLEAN_SHARE
    shapes = torch.randint(1, _MOST_SHAPES + 1, (n,), generator=generator).masked_fill(clean, 0)
    places = torch.stack(
        [
            draw_places(n, height, width, generator) * of_each(shapes > turn)
            for turn in range(_MOST_SHAPES)
        ]
    ).amax(0)
    cover = (places * of_each(uniform(n, _OPACITY, generator))).to(images.device)
    ground = ground_of(images)
    change = cover[:, None] * (draw_matter(images, ground, generator) - images)
    inside = (places > _EDGE).float().to(images.device)
    seen = of_each(_can_be_seen(change, inside, images - ground)).float()
    return images + change * seen[:, None], inside * seen


def draw_matter(
    images: torch.Tensor, ground: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """What is painted: one of five kinds for each image, (n, 3, h, w)."""
    n, _, height, width = images.shape
    kind = torch.multinomial(_KINDS, n, replacement=True, generator=generator)
    other = torch.randperm(n, generator=generator)
    source = torch.where(kind == _FROM_ITSELF, torch.arange(n), other).to(images.device)
    shift = (any_below(height, generator), any_below(width, generator))
    pieces = images[source].roll(shift, (2, 3))
    level = log_uniform(n, _CONTRAST, generator) * signs(n, generator)
    noise = draw_noise(n, height, width, generator) * of_each(level * (kind == _NOISE))
    change = (of_each(level * (kind == _LEVEL)) + noise).to(images.device)
    levels = images + (change * of_each(strength_of(images - ground)))[:, None]
    grained = ground + draw_grain(images - ground, generator)
    of_kind = kind.to(images.device)[:, None, None, None]
    matter = torch.where(of_kind <= _FROM_ITSELF, pieces, levels)
    return torch.where(of_kind == _GRAIN, grained, matter).clamp(0, _GREY_LEVELS)


def draw_grain(grain: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Another grain: for each image its own in place, its own turned, or that of another one.

    Args:
        grain: (n, 3, h, w) float, of mean near 0.
        generator: on the CPU.
    """
    n, _, height, width = grain.shape
    turned = grain.transpose(2, 3) if height == width else grain.flip(2).flip(3)
    source = torch.randint(0, 3, (n, 1, 1, 1), generator=generator).to(grain.device)
    other = grain[torch.randperm(n, generator=generator).to(grain.device)]
    taken = torch.where(source == 0, grain, torch.where(source == 1, turned, other))
    return taken * log_uniform(n, _FACTOR, generator).to(grain.device)[:, None, None, None]


def ground_of(images: torch.Tensor) -> torch.Tensor:
    """Images, (n, 3, h, w), without their fine detail: light and shape."""
    coarse = nn.functional.avg_pool2d(images, _GROUND_CELL_PX, ceil_mode=True)
    size = (int(images.shape[2]), int(images.shape[3]))
    return nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=False)


def strength_of(grain: torch.Tensor) -> torch.Tensor:
    """Mean absolute deviation of each image's grain, (n,)."""
    return grain.abs().mean((1, 2, 3)).clamp(min=_LEAST_GRAIN)


def _can_be_seen(change: torch.Tensor, inside: torch.Tensor, grain: torch.Tensor) -> torch.Tensor:
    """(n,) whether the mean change inside the places, (n, h, w), stands out from the grain."""
    changed = (change.abs().amax(1) * inside).sum((1, 2)) / inside.sum((1, 2)).clamp(min=1)
    return changed >= _SEEN_FROM * strength_of(grain)
