"""The network that finds defects: a small feature pyramid that learns from scratch on a CPU."""

from itertools import pairwise

import torch
from torch import nn

from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.anomaly.distance import NormalDistance
from vision_assets.vision.training.exposure import evenly_exposed

_WIDTHS = (16, 32, 64, 96)
_PYRAMID = 32
_LEAST_DEVIATION = 0.1
"""In grey levels: contrasts go by what the surface shows, however little that is."""
_RARE = -3.0
"""First log-odds of a defect: most cells show none."""


class DefectSegmenter(Detector):
    """(n, 3, h, w) float images, 0..255 -> (n, h', w') log-odds of a defect, at 1/4 of the side.

    Coarse features are added to finer ones (Lin et al., "Feature Pyramid Networks for Object
    Detection", 2017), so that a cell knows its surroundings. Each image is normalised by itself
    first, so that its exposure does not count. Behind the training, the distance of the whole image
    from normal ones is added to the log-odds, each in deviations of normal images held out.

    Attributes:
        distance: of the means and the largest values of the finest and the coarsest features.
        deviations: (2,) of the largest log-odds and of the distance.
    """

    deviations: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        stem = _WIDTHS[0]
        self.stem = nn.Sequential(
            nn.Conv2d(3, stem, 5, 2, 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        )
        steps = list(pairwise(_WIDTHS))
        self.down = nn.ModuleList([_Block(narrow, wide) for narrow, wide in steps])
        self.beside = nn.ModuleList([nn.Conv2d(wide, _PYRAMID, 1) for _, wide in steps])
        self.last = nn.Sequential(
            nn.Conv2d(_PYRAMID, _PYRAMID, 3, 1, 1, bias=False),
            nn.BatchNorm2d(_PYRAMID),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Conv2d(_PYRAMID, 1, 1)
        self.distance = NormalDistance(2 * (_PYRAMID + _WIDTHS[-1]))
        self.register_buffer("deviations", torch.ones(2))
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, _RARE)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self._features(images)[0]).squeeze(1)

    def look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The raw anomaly map, (n, h', w'), and the embedding, (n, d)."""
        fine, coarse = self._features(images)
        places = self.head(fine).squeeze(1) / self.deviations[0]
        whole = self.distance(_description(fine, coarse)) / self.deviations[1]
        return places + whole[:, None, None], coarse.mean((2, 3))

    def describe(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The largest log-odds of each image, (n,), and the features of its distance, (n, d)."""
        fine, coarse = self._features(images)
        return self.head(fine).amax((1, 2, 3)), _description(fine, coarse)

    def _features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The finest features of the pyramid, and the coarsest ones that it is made of."""
        features = self.stem(evenly_exposed(images, _LEAST_DEVIATION))
        seen: list[torch.Tensor] = []
        for block in self.down:
            features = block(features)
            seen.append(features)
        summed = self.beside[-1](seen[-1])
        for beside, finer in zip(reversed(self.beside[:-1]), reversed(seen[:-1]), strict=True):
            size = (int(finer.shape[2]), int(finer.shape[3]))
            summed = beside(finer) + nn.functional.interpolate(summed, size, mode="nearest")
        return self.last(summed), features


def _description(fine: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
    """Means and largest values of feature maps, (n, d)."""
    maps = (fine, coarse)
    return torch.cat([each.mean((2, 3)) for each in maps] + [each.amax((2, 3)) for each in maps], 1)


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; halves the side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False)
        )
        self.activate = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.activate(self.residual(features) + self.shortcut(features))
