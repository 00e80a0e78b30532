"""Networks for segmentation: a small U-Net of our own, and torchvision's by name."""

from collections.abc import Sequence

import torch
import torchvision
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.training.exposure import evenly_exposed

SMALL = "small"
_WIDTHS = (16, 32, 64, 128, 192)
_SUB_PIXELS = 4
_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""From scratch, grey levels become -2..2, the same in every channel, as surfaces are grey."""
_GREY_LEVELS = 255.0
_SMALLEST_DEVIATION = 0.1
"""Of normalised images: some six grey levels, the noise of a camera."""


class Network(nn.Module):
    """Normalisation and a segmentation network.

    Takes (n, 3, h, w) float images, 0..255; gives (n, k + 1, h, w) logits, the background first.

    Attributes:
        mean, std: (3, 1, 1), of levels 0..255, by which images are normalised; kept with the
            weights, as these expect them.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, model: nn.Module, n_outputs: int) -> None:
        super().__init__()
        self.model, self.n_outputs = model, n_outputs
        self.register_buffer("mean", _levels(_MEAN))
        self.register_buffer("std", _levels(_STD))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        said = self.model((images - self.mean) / self.std)
        return said["out"] if isinstance(said, dict) else said

    @property
    def deepest(self) -> nn.Module:
        """The part whose output ends in the deepest features."""
        ours = isinstance(self.model, SmallUNet)
        return self.model.get_submodule("encoder" if ours else "backbone")

    @property
    def head_rows(self) -> int:
        """Length of the first dimension of the tensors that depend on the classes."""
        ours = isinstance(self.model, SmallUNet)
        return self.n_outputs * (_SUB_PIXELS if ours else 1)

    def expect(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Normalise by the mean and standard deviation, of levels 0..1, that weights expect."""
        self.mean.copy_(_levels(mean))
        self.std.copy_(_levels(std))


def _levels(of_one: Sequence[float]) -> torch.Tensor:
    """Levels 0..1 of three channels as levels 0..255, (3, 1, 1)."""
    return (torch.tensor(of_one) * _GREY_LEVELS).reshape(3, 1, 1)


def build(name: str, n_classes: int) -> Network:
    """Build a network with first weights from the global generator; nothing is downloaded.

    Args:
        name: `small`, or a torchvision segmentation network's name, such as `fcn_resnet50`.
        n_classes: without the background.

    Raises:
        TrainingError: there is no such network.
    """
    if name == SMALL:
        return Network(SmallUNet(n_classes + 1), n_classes + 1)
    known = network_names()
    if name not in known:
        raise TrainingError(f"expected recipe.network to be one of {known}, got {name!r}")
    model = torchvision.models.get_model(
        name, weights=None, weights_backbone=None, num_classes=n_classes + 1
    )
    return Network(model, n_classes + 1)


def network_names() -> list[str]:
    """All names that `build` takes."""
    return [SMALL, *torchvision.models.list_models(module=torchvision.models.segmentation)]


class SmallUNet(nn.Module):
    """A compact U-Net that learns from scratch on little data (Ronneberger et al., "U-Net:
    Convolutional Networks for Biomedical Image Segmentation", 2015).

    Residual blocks at 1/2 to 1/32 of the side on the way down, one convolution over both paths on
    the way up; each cell of the last map, at 1/2 of the side, says four pixels (Shi et al.,
    "Real-Time Single Image and Video Super-Resolution", 2016), so that no layer but this one works
    at full size. Sides need not be multiples of 32. Each image is normalised by itself first, so
    that its exposure does not count.
    """

    def __init__(self, n_outputs: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        pairs = list(zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True))
        self.decoder = nn.ModuleList(Merge(deep, shallow) for deep, shallow in pairs)
        self.head = nn.Conv2d(_WIDTHS[0], _SUB_PIXELS * n_outputs, 1)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        *skips, features = self.encoder(evenly_exposed(images, _SMALLEST_DEVIATION))
        for merge, skip in zip(self.decoder, reversed(skips), strict=True):
            features = merge(features, skip)
        said = nn.functional.pixel_shuffle(self.head(features), 2)
        return said[:, :, : images.shape[2], : images.shape[3]]


class Encoder(nn.Module):
    """The way down; gives the map of each stage, the shallowest first."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *_WIDTHS[:-1])
        self.stages = nn.ModuleList(
            Block(narrow, wide) for narrow, wide in zip(inputs, _WIDTHS, strict=True)
        )

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        maps, features = [], images
        for stage in self.stages:
            features = stage(features)
            maps.append(features)
        return maps


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut that averages; halves the side."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            *convolution(inputs, outputs, stride=2),
            nn.ReLU(inplace=True),
            *convolution(outputs, outputs),
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.activate = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.activate(self.residual(features) + self.shortcut(features))


class Merge(nn.Module):
    """A step up: the deeper map, enlarged, beside the one of the way down."""

    def __init__(self, deep: int, shallow: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(deep, shallow, 1, bias=False)
        self.mix = nn.Sequential(*convolution(2 * shallow, shallow), nn.ReLU(inplace=True))

    def forward(self, deep: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        size = (int(skip.shape[2]), int(skip.shape[3]))
        larger = nn.functional.interpolate(self.narrow(deep), size, mode="bilinear")
        return self.mix(torch.cat([larger, skip], 1))


def convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """3x3, normalised over the batch."""
    layer = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer, nn.BatchNorm2d(outputs)
