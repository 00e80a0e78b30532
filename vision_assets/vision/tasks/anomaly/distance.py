"""How far an image as a whole lies from normal ones: Mahalanobis' distance of its features.

A network that has learned to find painted defects describes surfaces well enough to tell strange
ones, also where no single cell of its map does. As in Defard et al., "PaDiM: a Patch Distribution
Modeling Framework for Anomaly Detection and Localization", 2021, but of whole images, which need
not be aligned.
"""

import torch
from torch import nn

_SHRINKAGE = 0.1
"""Added to the variances, which are 1: few images say little of rare directions."""
_LEAST_DEVIATION = 1e-3


class NormalDistance(nn.Module):
    """(n, d) features -> (n,) distances; near 0 for all until it is fitted.

    Attributes:
        centre: (d,), the mean of normal images.
        whitening: (d, d); times it, features of normal images are uncorrelated.
    """

    centre: torch.Tensor
    whitening: torch.Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("whitening", torch.zeros(n_features, n_features))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        away = (features - self.centre) @ self.whitening
        return (away.square().mean(1) + _LEAST_DEVIATION).sqrt()

    def fit(self, features: torch.Tensor) -> None:
        """Take the features of normal images, (n, d)."""
        exact = features.double()
        centre, deviation = exact.mean(0), exact.std(0, correction=0).clamp(min=_LEAST_DEVIATION)
        scaled = (exact - centre) / deviation
        covariance = scaled.T @ scaled / len(scaled)
        values, vectors = torch.linalg.eigh(covariance)
        self.centre.copy_(centre)
        spread = (values.clamp(min=0) + _SHRINKAGE).sqrt()
        self.whitening.copy_(vectors / spread / deviation[:, None])
