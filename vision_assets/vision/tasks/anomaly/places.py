"""Where defects are painted: frayed ellipses, from specks and cracks to half of an image."""

import math

import torch
from torch import nn

from vision_assets.vision.tasks.anomaly.draws import any_below, log_uniform, of_each, uniform

_LONG_AXIS, _RATIO = (0.03, 1.2), (0.02, 1.0)
_SHORTEST_AXIS_PX = 0.6
_FRAYED = 0.6
_NOISE_CELLS = (4, 8, 16, 32)


def draw_places(n: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """One frayed ellipse for each image, (n, h, w) float in 0..1 with soft edges."""
    side = max(height, width)
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    centre = torch.rand(n, 2, generator=generator) * torch.tensor([height, width])
    angle = uniform(n, (0, math.pi), generator)
    long = log_uniform(n, _LONG_AXIS, generator) * side / 2
    short = (long * log_uniform(n, _RATIO, generator)).clamp(min=_SHORTEST_AXIS_PX)
    down, across = y - of_each(centre[:, 0]), x - of_each(centre[:, 1])
    cos, sin = of_each(angle.cos()), of_each(angle.sin())
    along, beside = across * cos + down * sin, down * cos - across * sin
    bend = draw_noise(n, height, width, generator) * of_each(short + 0.1 * long) * _FRAYED
    distance = ((along / of_each(long)) ** 2 + ((beside + bend) / of_each(short)) ** 2).sqrt()
    return ((1 - distance) * of_each(short) + 0.5).clamp(0, 1)


def draw_noise(n: int, height: int, width: int, generator: torch.Generator) -> torch.Tensor:
    """Smooth noise of one scale, (n, h, w) float, of standard deviation near 1."""
    cells = _NOISE_CELLS[any_below(len(_NOISE_CELLS), generator)]
    coarse = torch.randn(n, 1, cells, cells, generator=generator)
    size = (height, width)
    return nn.functional.interpolate(coarse, size, mode="bilinear", align_corners=False)[:, 0]
