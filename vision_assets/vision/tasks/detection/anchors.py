"""Boxes from what a network says of anchors, for a batch of any size."""

import math

import torch
from torch import nn
from torchvision.models.detection.image_list import ImageList

_LARGEST_GROWTH = math.log(1000 / 16)
"""Of a side, as torchvision bounds it."""


def anchors_of(
    generator: nn.Module, features: list[torch.Tensor], side_px: int
) -> tuple[torch.Tensor, list[int]]:
    """The anchors of one view, (a, 4) in its pixels, and how many each map has.

    Args:
        generator: of a torchvision detector.
        features: its maps for any batch of views.
        side_px: of the square views.
    """
    views = ImageList(torch.zeros(1, 3, side_px, side_px), [(side_px, side_px)])
    of_one = [feature[:1] for feature in features]
    anchors = generator(views, of_one)[0]
    cells = [feature.shape[2] * feature.shape[3] for feature in features]
    each = generator.num_anchors_per_location()
    each = each if len(each) == len(cells) else each * len(cells)
    return anchors, [n * per_cell for n, per_cell in zip(cells, each, strict=True)]


def moved(
    deltas: torch.Tensor, anchors: torch.Tensor, weights: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
) -> torch.Tensor:
    """Anchors shifted in parts of their sides and grown by factors (Girshick et al., "R-CNN").

    Args:
        deltas: (..., 4).
        anchors: broadcast to the same.
        weights: that shifts and logarithms of factors were multiplied by.
    """
    sides = anchors[..., 2:] - anchors[..., :2]
    centres = anchors[..., :2] + 0.5 * sides
    scale = torch.tensor(weights).to(deltas)
    centres = centres + deltas[..., :2] / scale[:2] * sides
    halves = 0.5 * sides * torch.exp((deltas[..., 2:] / scale[2:]).clamp(max=_LARGEST_GROWTH))
    return torch.cat([centres - halves, centres + halves], -1)


def about(distances: torch.Tensor, anchors: torch.Tensor) -> torch.Tensor:
    """Boxes about the centres of anchors, their sides as far away as distances say, in anchors.

    Args:
        distances: (..., 4), to left, top, right, bottom.
        anchors: broadcast to the same.
    """
    sides = anchors[..., 2:] - anchors[..., :2]
    centres = anchors[..., :2] + 0.5 * sides
    return torch.cat(
        [centres - distances[..., :2] * sides, centres + distances[..., 2:] * sides], -1
    )


def likeliest(scores: torch.Tensor, maps: list[torch.Tensor], counts: list[int]) -> torch.Tensor:
    """(n, h, w), of the finest map: the highest score of any anchor at each place.

    Args:
        scores: (n, a) of all anchors.
        maps: on which they lie, the finest first.
        counts: anchors of each map.
    """
    finest = maps[0].shape[2:]
    found = []
    for of_map, part in zip(maps, scores.split(counts, 1), strict=True):
        height, width = of_map.shape[2:]
        of_cells = part.unflatten(1, (int(height), int(width), -1)).amax(3)
        found.append(nn.functional.interpolate(of_cells[:, None], size=finest, mode="nearest"))
    return torch.cat(found, 1).amax(1)
