"""What the networks of anomaly detection have in common, whatever their method."""

import torch
from torch import nn


class Detector(nn.Module):
    """Takes (n, 3, h, w) float images, 0..255."""

    def look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The raw anomaly map, (n, h', w'), higher where an image is less normal, and an embedding,
        (n, d)."""
        raise NotImplementedError
