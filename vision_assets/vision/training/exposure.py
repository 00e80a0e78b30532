"""Images normalised by themselves, so that their exposure does not count."""

import torch


def evenly_exposed(images: torch.Tensor, least_deviation: float) -> torch.Tensor:
    """Each image with mean 0 and a deviation of about 1; flat ones stay flat.

    Args:
        images: (n, c, h, w) float.
        least_deviation: in levels of the images, what is added to their deviation.
    """
    away = images - images.mean((1, 2, 3), keepdim=True)
    return away / (away.square().mean((1, 2, 3), keepdim=True).sqrt() + least_deviation)
