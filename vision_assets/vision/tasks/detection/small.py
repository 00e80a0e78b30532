"""A small detector without anchors that learns from scratch on little data.

A residual backbone, its maps summed from coarse to fine, and at a quarter of the view's side two
towers: how surely the centre of an object of each class is here, and how far away the box's four
sides are. Cells around a centre learn the box, weighted by a Gaussian of the box's own shape (Liu
et al., "Training-Time-Friendly Network for Real-Time Object Detection", 2019), which needs far
fewer steps than one cell for each object; the centres are learned by the focal loss of Zhou et
al., "Objects as Points", 2019.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn
from torchvision.ops import generalized_box_iou_loss

from vision_assets.vision.tasks.classification.network import Block
from vision_assets.vision.tasks.detection.detector import Detector, Seen
from vision_assets.vision.tasks.detection.targets import BoxTargets, ViewObjects

STRIDE = 4
_STEM = 32
_WIDTHS = (48, 96, 128, 160)
_NECK = 64
_PRIOR = 0.05
"""What an untrained network says of every cell, so that the many empty ones teach little."""
_LARGEST_SHARE = 4.0
"""Largest distance of a side, in views, that the network can say."""
_SPREAD = 0.54
_STEEPNESS, _TOLERANCE = 2, 4
"""Exponents of the focal loss over centres: of the error, and of the nearness to a centre."""
_BOX_WEIGHT = 5.0


@dataclass(frozen=True)
class Response:
    """What the layers give.

    Attributes:
        centres: (n, k, h, w) logits.
        sides: (n, 4, h, w) distances to left, top, right, bottom, in parts of the view.
        features: (n, c, h', w') the deepest map.
    """

    centres: torch.Tensor
    sides: torch.Tensor
    features: torch.Tensor


class SmallDetector(Detector):
    """See the module."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_layer(3, _STEM, stride=2))
        self.stages = nn.ModuleList(Block(*widths) for widths in pairwise((_STEM, *_WIDTHS)))
        self.across = nn.ModuleList(nn.Conv2d(width, _NECK, 1) for width in _WIDTHS)
        self.merge = nn.Sequential(*_layer(_NECK, _NECK))
        self.centres = nn.Sequential(*_layer(_NECK, _NECK), nn.Conv2d(_NECK, n_classes, 1))
        self.sides = nn.Sequential(*_layer(_NECK, _NECK), nn.Conv2d(_NECK, 4, 1))
        _begin_at(self.centres[-1], math.log(_PRIOR / (1 - _PRIOR)))
        _begin_at(self.sides[-1], 0.0)

    def respond(self, images: torch.Tensor) -> Response:
        maps, features = [], self.stem(images)
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        merged = self.across[-1](maps[-1])
        for finer, across in zip(maps[-2::-1], list(self.across)[-2::-1], strict=True):
            wider = nn.functional.interpolate(merged, size=finer.shape[2:], mode="nearest")
            merged = across(finer) + wider
        merged = self.merge(merged)
        distances = _distances(self.sides(merged))
        return Response(self.centres(merged), distances, features)

    def losses(self, response: Response, targets: BoxTargets) -> dict[str, torch.Tensor]:
        height, width = response.centres.shape[2:]
        shape = (response.centres.shape[1], height, width)
        drawn = [drawn_targets(view, *shape) for view in targets]
        centres = torch.stack([each.centres for each in drawn]).to(response.centres)
        weights = torch.stack([each.weights for each in drawn]).to(response.centres)
        boxes = torch.stack([each.boxes for each in drawn]).to(response.centres)
        n_objects = max(1, sum(map(len, targets)))
        said = _boxes(response.sides.float())
        chosen = weights > 0
        misplaced = generalized_box_iou_loss(said[chosen], boxes[chosen])
        placed = (misplaced * weights[chosen]).sum() / weights.sum().clamp(min=1e-6)
        return {
            "centre_loss": _focal(response.centres.float(), centres) / n_objects,
            "box_loss": _BOX_WEIGHT * placed,
        }

    def see(self, response: Response) -> Seen:
        scores = response.centres.sigmoid()
        pooled = (response.features.mean((2, 3)), response.features.amax((2, 3)))
        return Seen(
            boxes=_boxes(response.sides).flatten(1, 2).clamp(0, 1),
            scores=scores.permute(0, 2, 3, 1).flatten(1, 2),
            embedding=torch.cat(pooled, 1),
            activation=scores.amax(1),
        )


@dataclass(frozen=True)
class DrawnTargets:
    """What the maps shall be for one view.

    Attributes:
        centres: (k, h, w), 1 at the centre of an object of the class, a Gaussian about it.
        weights: (h, w), how much each cell's box counts.
        boxes: (h, w, 4), of the object that the cell belongs to.
    """

    centres: torch.Tensor
    weights: torch.Tensor
    boxes: torch.Tensor


def drawn_targets(view: ViewObjects, n_classes: int, height: int, width: int) -> DrawnTargets:
    """The maps of one view; where objects overlap, the smaller one has the cells.

    Each object weighs the logarithm of its area in cells, shared out among its cells.
    """
    centres = torch.zeros(n_classes, height, width)
    weights, boxes = torch.zeros(height, width), torch.zeros(height, width, 4)
    if not len(view):
        return DrawnTargets(centres, weights, boxes)
    left, top, right, bottom = view.boxes.T
    areas = (right - left) * width * (bottom - top) * height
    bumps = _bump((top + bottom) / 2 * height, (bottom - top) * height, height)[:, :, None]
    bumps = bumps * _bump((left + right) / 2 * width, (right - left) * width, width)[:, None]
    for index in areas.argsort(descending=True, stable=True).tolist():
        bump, cells = bumps[index], bumps[index] > 0
        of_class = centres[view.classes[index]]
        torch.maximum(of_class, bump, out=of_class)
        boxes[cells] = view.boxes[index]
        share = math.log(1 + max(1.0, float(areas[index]))) / float(bump.sum())
        weights[cells] = bump[cells] * share
    return DrawnTargets(centres, weights, boxes)


def _bump(centre: torch.Tensor, side: torch.Tensor, n: int) -> torch.Tensor:
    """(m, n) Gaussians along one axis, 1 at the cell of the centre and 0 from about half of that on.

    Args:
        centre: (m,) in cells.
        side: (m,) of the boxes, in cells.
        n: cells.
    """
    peak = centre.floor().clamp(0, n - 1)[:, None]
    reach = (side / 2 * _SPREAD)[:, None]
    away = (torch.arange(n)[None] - peak).abs()
    bump = torch.exp(-0.5 * (away / (reach / 3 + 1 / 6)) ** 2)
    return torch.where(away <= reach, bump, (away == 0).float())


def _focal(logits: torch.Tensor, centres: torch.Tensor) -> torch.Tensor:
    """Over centres, where cells near to one are blamed less for saying that they are one."""
    scores = logits.sigmoid()
    is_centre = centres == 1
    hit = nn.functional.logsigmoid(logits) * (1 - scores) ** _STEEPNESS
    empty = nn.functional.logsigmoid(-logits) * scores**_STEEPNESS
    return -torch.where(is_centre, hit, empty * (1 - centres) ** _TOLERANCE).sum()


def _distances(said: torch.Tensor) -> torch.Tensor:
    """Distances in parts of the view, from numbers of any size; 0 is an eighth of it."""
    return torch.exp(said.clamp(max=math.log(8 * _LARGEST_SHARE))) / 8


def _boxes(sides: torch.Tensor) -> torch.Tensor:
    """(n, h, w, 4) boxes from the distances of their sides to the centre of each cell."""
    height, width = int(sides.shape[2]), int(sides.shape[3])
    y = ((torch.arange(height).to(sides) + 0.5) / height)[:, None].expand(height, width)
    x = ((torch.arange(width).to(sides) + 0.5) / width)[None].expand(height, width)
    left, top, right, bottom = sides.unbind(1)
    return torch.stack([x - left, y - top, x + right, y + bottom], 3)


def _layer(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return convolution, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)


def _begin_at(layer: nn.Module, bias: float) -> None:
    assert isinstance(layer, nn.Conv2d)
    assert layer.bias is not None
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.constant_(layer.bias, bias)
