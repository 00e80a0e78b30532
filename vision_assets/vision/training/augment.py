"""Changes to training images that leave their meaning alone.

Geometry and light are drawn per image from a generator of the CPU, so that a seed means the
same on every device. The geometry of a batch is one affine matrix per image, which moves
masks and points of other tasks as it moves pixels.
"""

import torch
from torch import nn

_MAX_SHIFT = 0.08
_MAX_ZOOM = 0.15
_MAX_CONTRAST = 0.2
_MAX_BRIGHTNESS = 25.5
_MAX_TINT = 0.1
_MAX_SATURATION = 0.3
_GREY_LEVELS = 255.0


def augment(images: torch.Tensor, how: str, generator: torch.Generator) -> torch.Tensor:
    """Draw a change for each image of a batch, and apply it.

    Args:
        images: (n, c, h, w) float, 0..255.
        how: `none`, `light` (flips), `surface` (flips, quarter turns where the images are
            square, zoom, shifts, brightness, contrast), `upright` (the same without flips and
            turns), or `colour` (as `surface`, and tint and saturation).
        generator: on the CPU.

    Returns:
        (n, c, h, w) float, 0..255.
    """
    geometry = draw_geometry(images, how, generator)
    if geometry is None:
        return images
    return change_light(warp(images, geometry), how, generator)


def draw_geometry(
    images: torch.Tensor, how: str, generator: torch.Generator
) -> torch.Tensor | None:
    """Where each image of a batch moves, as `augment` does it.

    Returns:
        (n, 3, 3) matrices for `warp`; None where nothing changes at all.
    """
    n, square = len(images), images.shape[2] == images.shape[3]
    if how == "none":
        return None
    if how == "light":
        return draw_flips(n, generator)
    if how == "upright":
        return draw_moves(n, False, generator)
    return draw_flips(n, generator) @ draw_moves(n, square, generator)


def change_light(images: torch.Tensor, how: str, generator: torch.Generator) -> torch.Tensor:
    """Grey levels and colours as `augment` changes them; nothing moves."""
    if how in ("none", "light"):
        return images
    changed = relight(images, generator)
    return recolour(changed, generator) if how == "colour" else changed


def draw_flips(n: int, generator: torch.Generator) -> torch.Tensor:
    """Mirror left to right and top to bottom, each with probability 1/2; (n, 3, 3) matrices."""
    signs = 1 - 2 * torch.randint(0, 2, (n, 2), generator=generator).float()
    return torch.diag_embed(torch.cat([signs, torch.ones(n, 1)], 1))


def draw_moves(n: int, quarter_turns: bool, generator: torch.Generator) -> torch.Tensor:
    """A quarter turn, a zoom and a shift; (n, 3, 3) matrices over coordinates -1..1."""
    zoom = 1 + (2 * torch.rand(n, generator=generator) - 1) * _MAX_ZOOM
    shift = (2 * torch.rand(n, 2, generator=generator) - 1) * 2 * _MAX_SHIFT
    turns = torch.randint(0, 4 if quarter_turns else 1, (n,), generator=generator)
    cos = torch.tensor([1.0, 0.0, -1.0, 0.0])[turns]
    sin = torch.tensor([0.0, 1.0, 0.0, -1.0])[turns]
    matrices = torch.zeros(n, 3, 3)
    matrices[:, 0, 0], matrices[:, 0, 1] = zoom * cos, -zoom * sin
    matrices[:, 1, 0], matrices[:, 1, 1] = zoom * sin, zoom * cos
    matrices[:, :2, 2] = shift
    matrices[:, 2, 2] = 1
    return matrices


def warp(images: torch.Tensor, matrices: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
    """Each image as seen through its matrix (from result to source), mirrored at the border.

    Flips and quarter turns alone move pixels without changing them.

    Args:
        images: (n, c, h, w) float.
        matrices: (n, 3, 3).
        mode: `bilinear`, or `nearest` for values that cannot be mixed, such as class indices.
    """
    theta = matrices[:, :2].to(images.device)
    grid = nn.functional.affine_grid(theta, list(images.shape), align_corners=False)
    moved = nn.functional.grid_sample(
        images, grid, mode=mode, padding_mode="reflection", align_corners=False
    )
    return moved.contiguous(memory_format=torch.channels_last)


def relight(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change contrast about the image's mean, and brightness."""
    n = len(images)
    contrast = 1 + (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1) * _MAX_CONTRAST
    brightness = (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1) * _MAX_BRIGHTNESS
    mean = images.mean((1, 2, 3), keepdim=True)
    changed = (images - mean) * contrast.to(images.device) + mean
    return (changed + brightness.to(images.device)).clamp(0, _GREY_LEVELS)


def recolour(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change the strength of each channel, as another lamp would, and the saturation."""
    n = len(images)
    tint = 1 + (2 * torch.rand(n, 3, 1, 1, generator=generator) - 1) * _MAX_TINT
    saturation = 1 + (2 * torch.rand(n, 1, 1, 1, generator=generator) - 1) * _MAX_SATURATION
    tinted = images * tint.to(images.device)
    grey = tinted.mean(1, keepdim=True)
    return (grey + (tinted - grey) * saturation.to(images.device)).clamp(0, _GREY_LEVELS)
