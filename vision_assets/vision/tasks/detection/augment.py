"""Changes to training images that move boxes as they move pixels.

Pixels from beyond the border are those inside of it, mirrored; so are the objects there.
"""

import torch

from vision_assets.vision.tasks.detection.targets import BoxTargets, ViewObjects, clipped
from vision_assets.vision.training.augment import (
    draw_flips,
    draw_moves,
    recolour,
    relight,
    warp,
)

_AT_BORDER = 0.005
_WORTH_SEEING = 1e-3
"""Least side of a box, in views, that is left at the border."""


def augment(
    images: torch.Tensor, targets: BoxTargets, how: str, generator: torch.Generator
) -> tuple[torch.Tensor, BoxTargets]:
    """Draw a change for each image of a batch, and apply it to its pixels and its boxes.

    Args:
        images: (n, 3, h, w) float, 0..255.
        targets: of the same images.
        how: as a recipe's `augment`.
        generator: on the CPU.
    """
    if how == "none":
        return images, targets
    matrices = _draw(len(images), how, images.shape[2] == images.shape[3], generator)
    moved = warp(images, matrices)
    if how != "light":
        moved = relight(moved, generator)
    if how == "colour":
        moved = recolour(moved, generator)
    pairs = zip(targets, matrices, strict=True)
    return moved, BoxTargets([move(view, matrix) for view, matrix in pairs])


def move(view: ViewObjects, matrix: torch.Tensor) -> ViewObjects:
    """The objects of a view whose pixels are seen through a matrix, as `warp` sees them.

    Args:
        view: before.
        matrix: (3, 3) from result to source, over coordinates -1..1; flips, quarter turns,
            zooms and shifts, so that a box stays one.

    Returns:
        The boxes cut at the edges; without those of which most is outside.
    """
    own, reaching, copies = _mirrored(view.boxes)
    n, onward = len(view), torch.linalg.inv(matrix)
    _, own_kept = clipped(_through(own, onward))
    boxes, copy_kept = clipped(_through(torch.cat([reaching, copies]), onward))
    seen = ((boxes[:, 2:] - boxes[:, :2]) > _WORTH_SEEING).all(1)
    kept = torch.cat([own_kept, copy_kept[n:]]) & seen
    classes = view.classes.repeat(1 + len(copies) // max(1, n))
    return ViewObjects(boxes[kept], classes[kept])


def _mirrored(boxes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The boxes; the same, those at the border as far as their own mirror images reach; and the
    mirror images of those that are not at the border, (8 m, 4), outside of the view where there
    is none."""
    low, high = boxes[:, :2], boxes[:, 2:]
    at_low, at_high = low < _AT_BORDER, high > 1 - _AT_BORDER
    reach_low = torch.where(at_low, -high, low)
    reach_high = torch.where(at_high, 2 - low, high)
    below = _spans(-reach_high, -reach_low, at_low)
    above = _spans(2 - reach_high, 2 - reach_low, at_high)
    of_axis = (below, (reach_low, reach_high), above)
    copies = [
        torch.stack([x[0][:, 0], y[0][:, 1], x[1][:, 0], y[1][:, 1]], 1)
        for place, (x, y) in enumerate((x, y) for x in of_axis for y in of_axis)
        if place != len(of_axis) ** 2 // 2
    ]
    return boxes, torch.cat([reach_low, reach_high], 1), torch.cat(copies)


def _spans(
    low: torch.Tensor, high: torch.Tensor, joined: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Where mirror images lie; far away where one is joined to its object."""
    nowhere = torch.tensor(10.0)
    return torch.where(joined, nowhere, low), torch.where(joined, nowhere + 1, high)


def _through(boxes: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """Boxes of 0..1 after a change of coordinates -1..1."""
    corners = torch.stack([boxes[:, :2], boxes[:, 2:]]) * 2 - 1
    one, other = ((corners @ matrix[:2, :2].T + matrix[:2, 2]) + 1) / 2
    return torch.cat([torch.minimum(one, other), torch.maximum(one, other)], 1)


def _draw(n: int, how: str, square: bool, generator: torch.Generator) -> torch.Tensor:
    if how == "light":
        return draw_flips(n, generator)
    if how == "upright":
        return draw_moves(n, False, generator)
    return draw_flips(n, generator) @ draw_moves(n, square, generator)
