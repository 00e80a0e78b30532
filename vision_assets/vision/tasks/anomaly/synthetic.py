"""Defects painted onto normal images, so that a network can learn to find what does not belong.

Places are ellipses with frayed edges, from specks to long scratches; what is painted is a piece of
another image, a piece of the same one from elsewhere, another level, or noise. The idea is that of
Li et al., "CutPaste: Self-Supervised Learning for Anomaly Detection and Localization", 2021, and
of Zavrtanik et al., "DRAEM: A Discriminatively Trained Reconstruction Embedding for Surface
Anomaly Detection", 2021.
"""

import math

import torch
from torch import nn

_MOST_SHAPES = 3
_CLEAN_SHARE = 0.3
_NOISE_CELLS = (4, 8, 16, 32)
_LONG_AXIS, _RATIO = (0.03, 0.5), (0.04, 1.0)
_SHORTEST_AXIS_PX = 0.7
_FRAYED = 0.6
_OPACITY = (0.3, 1.0)
_LEVELS = (8.0, 90.0)
_VISIBLE = 4.0
_GREY_LEVELS = 255.0
_FROM_ANOTHER, _FROM_ITSELF, _LEVEL, _NOISE = range(4)
_KINDS = torch.tensor([1.0, 1.0, 2.0, 1.0])
"""How often each kind is painted."""


def paint_defects(
    images: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Paint up to three defects of one kind onto most images of a batch.

    Args:
        images: (n, 3, h, w) float, 0..255.
        generator: on the CPU.

    Returns:
        The images, and the pixels that were changed so that it can be seen, (n, h, w) float,
        0 or 1.
    """
    n, _, height, width = images.shape
    clean = torch.rand(n, generator=generator) < _CLEAN_SHARE
    shapes = torch.randint(1, _MOST_SHAPES + 1, (n,), generator=generator).masked_fill(clean, 0)
    places = torch.stack(
        [
            draw_places(n, height, width, generator) * _each(shapes > turn)
            for turn in range(_MOST_SHAPES)
        ]
    ).amax(0)
    cover = places * _each(_uniform(n, *_OPACITY, generator=generator))
    matter = draw_matter(images, generator)
    painted = images + cover.to(images.device)[:, None] * (matter - images)
    changed = (painted - images).abs().amax(1) > _VISIBLE
    return painted, changed.float()


def draw_places(n: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """One frayed ellipse for each image, (n, h, w) float in 0..1 with soft edges."""
    side = max(height, width)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    centre = torch.rand(n, 2, generator=generator) * torch.tensor([height, width])
    angle = _uniform(n, 0, math.pi, generator=generator)
    long = torch.exp(_uniform(n, *map(math.log, _LONG_AXIS), generator=generator)) * side / 2
    ratio = torch.exp(_uniform(n, *map(math.log, _RATIO), generator=generator))
    short = (long * ratio).clamp(min=_SHORTEST_AXIS_PX)
    down, across = y - _each(centre[:, 0]), x - _each(centre[:, 1])
    cos, sin = _each(angle.cos()), _each(angle.sin())
    along, beside = across * cos + down * sin, down * cos - across * sin
    bend = draw_noise(n, height, width, generator) * _each(short + 0.1 * long) * _FRAYED
    distance = ((along / _each(long)) ** 2 + ((beside + bend) / _each(short)) ** 2).sqrt()
    return ((1 - distance) * _each(short) + 0.5).clamp(0, 1)


def draw_matter(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """What is painted: one of four kinds for each image, (n, 3, h, w)."""
    n, _, height, width = images.shape
    kind = torch.multinomial(_KINDS, n, replacement=True, generator=generator)
    other = torch.randperm(n, generator=generator)
    source = torch.where(kind == _FROM_ANOTHER, other, torch.arange(n)).to(images.device)
    shift = (_any(height, generator), _any(width, generator))
    pieces = images[source].roll(shift, (2, 3))
    level = _uniform(n, *_LEVELS, generator=generator) * _signs(n, generator)
    noise = draw_noise(n, height, width, generator)
    strength = _each(level.abs() * (kind == _NOISE))
    change = (_each(level * (kind == _LEVEL)) + noise * strength).to(images.device)[:, None]
    taken = (kind <= _FROM_ITSELF).to(images.device)[:, None, None, None]
    return torch.where(taken, pieces, images + change).clamp(0, _GREY_LEVELS)


def draw_noise(n: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Smooth noise of one grain, (n, h, w) float, of standard deviation near 1."""
    cells = _NOISE_CELLS[_any(len(_NOISE_CELLS), generator)]
    coarse = torch.randn(n, 1, cells, cells, generator=generator)
    size = (height, width)
    return nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=False)[:, 0]


def _any(n: int, generator: torch.Generator) -> int:
    return int(torch.randint(n, (1,), generator=generator))


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _signs(n: int, generator: torch.Generator) -> torch.Tensor:
    return 1 - 2 * torch.randint(0, 2, (n,), generator=generator).float()


def _each(values: torch.Tensor) -> torch.Tensor:
    """One number for each image, to be combined with its pixels."""
    return values[:, None, None]
