"""A trained anomaly detector with the outputs of the bundle's contract."""

import torch
from torch import nn

from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.anomaly.normalisation import normalised

OUTPUT_NAMES = ("score", "activation", "embedding")
ANOMALY_MAP = "anomaly map in 0..1; its largest value is the score"


class ExportableDetector(nn.Module):
    """(n, h, w, 3) uint8 -> score (n,), activation (n, h', w'), embedding (n, d).

    The activation is the anomaly map; score and map lie in 0..1, half-way where the held-out
    normal images of the training end.
    """

    def __init__(self, network: Detector, centre: float, spread: float) -> None:
        super().__init__()
        self.network, self.centre, self.spread = network, centre, spread
        self.eval()

    @torch.no_grad()
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        raw, embedding = self.network.look(images.permute(0, 3, 1, 2).float())
        anomaly_map = normalised(raw, self.centre, self.spread)
        return anomaly_map.amax((1, 2)), anomaly_map, embedding
