"""The network that finds defects: a small U-Net with residual blocks."""

import torch
from torch import nn

_WIDTHS = (24, 48, 96, 128)
_MEAN, _STD = 127.5, 63.75
"""Grey levels become -2..2."""
_SMOOTHED = 5
_RARE = -3.0
"""First log-odds of a defect: most pixels show none."""


class DefectSegmenter(nn.Module):
    """(n, 3, h, w) float images, 0..255 -> (n, h', w') log-odds of a defect, at half the side.

    Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", 2015.
    """

    def __init__(self) -> None:
        super().__init__()
        narrow = _WIDTHS[0]
        self.stem = nn.Sequential(nn.Conv2d(3, narrow, 5, 2, 2, bias=False), *_norm(narrow))
        self.down = nn.ModuleList(
            [_Block(narrow, narrow, 1)]
            + [_Block(a, b, 2) for a, b in zip(_WIDTHS, _WIDTHS[1:], strict=False)]
        )
        self.up = nn.ModuleList(
            [_Block(b + a, a, 1) for a, b in zip(_WIDTHS, _WIDTHS[1:], strict=False)]
        )
        self.head = nn.Conv2d(narrow, 1, 1)
        nn.init.constant_(self.head.bias, _RARE)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(self._features(images)[0]).squeeze(1)

    def look(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The raw anomaly map, smoothed, (n, h', w'), and the embedding, (n, d)."""
        fine, coarse = self._features(images)
        return smooth(self.head(fine)).squeeze(1), coarse.mean((2, 3))

    def _features(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The finest features of the way up, and the coarsest ones."""
        features = self.stem((images - _MEAN) / _STD)
        seen: list[torch.Tensor] = []
        for block in self.down:
            features = block(features)
            seen.append(features)
        coarse = seen.pop()
        for block, beside in zip(reversed(self.up), reversed(seen), strict=True):
            larger = nn.functional.interpolate(features, beside.shape[2:], mode="nearest")
            features = block(torch.cat([larger, beside], 1))
        return features, coarse


def smooth(maps: torch.Tensor) -> torch.Tensor:
    """(n, 1, h, w) maps averaged over a few pixels: one pixel alone is noise."""
    return nn.functional.avg_pool2d(maps, _SMOOTHED, 1, _SMOOTHED // 2, count_include_pad=False)


class _Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
            *_norm(outputs),
            nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(stride, ceil_mode=True), nn.Conv2d(inputs, outputs, 1, bias=False)
        )
        self.activate = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.activate(self.residual(features) + self.shortcut(features))


def _norm(width: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(width), nn.ReLU(inplace=True)
