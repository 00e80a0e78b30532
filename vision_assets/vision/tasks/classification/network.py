"""Networks for classification: a small one of our own, and torchvision's by name."""

from collections.abc import Sequence
from typing import Any

import torch
import torchvision
from torch import nn

from vision_assets.vision.errors import TrainingError

SMALL = "small"
_WIDTHS = (32, 64, 128, 192)
_SIZE_ARGUMENT = {"vit_": "image_size", "maxvit_": "input_size"}
_MEAN, _STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
"""From scratch, grey levels become -2..2, the same in every channel, as surfaces are grey."""
_GREY_LEVELS = 255.0
HALVED_INPUT = ("googlenet", "inception_v3")
"""Networks with heads at the side, whose weights want levels 0..1 as -1..1."""


class Network(nn.Module):
    """Normalisation and a backbone with its head.

    Takes (n, 3, h, w) float images, 0..255; gives (n, k) logits.

    Attributes:
        mean, std: (3, 1, 1), of levels 0..255, by which images are normalised; kept with the
            weights, as these expect them.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.register_buffer("mean", _levels(_MEAN))
        self.register_buffer("std", _levels(_STD))
        self.register_load_state_dict_pre_hook(_complete_early_release)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.backbone((images - self.mean) / self.std)

    def expect(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Normalise by the mean and standard deviation, of levels 0..1, that weights expect."""
        self.mean.copy_(_levels(mean))
        self.std.copy_(_levels(std))


def _levels(of_one: Sequence[float]) -> torch.Tensor:
    """Levels 0..1 of three channels as levels 0..255, (3, 1, 1)."""
    return (torch.tensor(of_one) * _GREY_LEVELS).reshape(3, 1, 1)


def _complete_early_release(
    _module: nn.Module, weights: dict[str, Any], prefix: str, *_: object
) -> None:
    """Weights of the first release, which had one normalisation alone, do not name it."""
    weights.setdefault(f"{prefix}mean", _levels(_MEAN))
    weights.setdefault(f"{prefix}std", _levels(_STD))


def build(name: str, n_classes: int, side_px: int) -> Network:
    """Build a network with first weights from the global generator.

    Args:
        name: `small`, or a torchvision classification network's name, such as `resnet18`.
        n_classes: length of its logits.
        side_px: side of the square images that it will get.

    Raises:
        TrainingError: there is no such network, or it does not take images of this size.
    """
    if name == SMALL:
        return Network(SmallResidualNetwork(n_classes))
    known = network_names()
    if name not in known:
        raise TrainingError(f"expected recipe.network to be one of {known}, got {name!r}")
    network = Network(_build_torchvision(name, n_classes, side_px))
    _check_size(network, name, side_px)
    return network


def network_names() -> list[str]:
    """All names that `build` takes."""
    return [SMALL, *torchvision.models.list_models(module=torchvision.models)]


class SmallResidualNetwork(nn.Module):
    """A compact residual network that learns from scratch on little data.

    Four stages of one residual block each, at 1/4 to 1/32 of the side; a linear head over
    the features' global average beside their maximum: texture is everywhere, a scratch is in
    one place.
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        stem = _WIDTHS[0]
        self.stem = nn.Sequential(*_convolution(3, stem, stride=2), nn.ReLU(inplace=True))
        inputs = (stem, *_WIDTHS[:-1])
        self.stages = nn.Sequential(
            *(Block(narrow, wide) for narrow, wide in zip(inputs, _WIDTHS, strict=True))
        )
        self.head = nn.Linear(2 * _WIDTHS[-1], n_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.stages(self.stem(images))
        return self.head(torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1))


class Block(nn.Module):
    """Two 3x3 convolutions beside a shortcut; halves the side.

    The shortcut averages before it projects, so that no pixel is skipped (He et al.,
    "Bag of Tricks for Image Classification", 2019), and the block starts as the shortcut.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        last_convolution, last_norm = _convolution(outputs, outputs)
        self.residual = nn.Sequential(
            *_convolution(inputs, outputs, stride=2),
            nn.ReLU(inplace=True),
            last_convolution,
            last_norm,
        )
        self.shortcut = nn.Sequential(
            nn.AvgPool2d(2, ceil_mode=True),
            nn.Conv2d(inputs, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.activate = nn.ReLU(inplace=True)
        nn.init.zeros_(last_norm.weight)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.activate(self.residual(features) + self.shortcut(features))


class GridPool(nn.Module):
    """Averages over a grid of a fixed number of cells, as `nn.AdaptiveAvgPool2d` does.

    Written as two matrix products, which ONNX has for maps of any size.
    """

    def __init__(self, cells: tuple[int, int]) -> None:
        super().__init__()
        self.cells = cells

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        height, width = int(features.shape[2]), int(features.shape[3])
        rows = _averaging(height, self.cells[0]).to(features)
        columns = _averaging(width, self.cells[1]).to(features)
        return rows @ features @ columns.T


def _grid(size: Any) -> tuple[int, int]:
    """Rows and columns of a pooling layer's grid, which may be named by one number."""
    rows, columns = (size, size) if isinstance(size, int) else size
    return rows, columns


def _averaging(n: int, cells: int) -> torch.Tensor:
    """(cells, n) matrix; row i averages floor(i n / cells) up to ceil((i + 1) n / cells)."""
    matrix = torch.zeros(cells, n)
    for cell in range(cells):
        begin, end = cell * n // cells, -(-(cell + 1) * n // cells)
        matrix[cell, begin:end] = 1 / (end - begin)
    return matrix


def _convolution(inputs: int, outputs: int, stride: int = 1) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
    nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
    return convolution, nn.BatchNorm2d(outputs)


def _build_torchvision(name: str, n_classes: int, side_px: int) -> nn.Module:
    arguments: dict[str, object] = {"num_classes": n_classes}
    for prefix, argument in _SIZE_ARGUMENT.items():
        if name.startswith(prefix):
            arguments[argument] = (side_px, side_px) if argument == "input_size" else side_px
    if name in HALVED_INPUT:
        arguments |= {"aux_logits": False, "init_weights": True}
    try:
        backbone = torchvision.models.get_model(name, weights=None, **arguments)
    except ValueError as error:
        raise _wrong_size(name, side_px, error) from error
    for parent in list(backbone.modules()):
        for child_name, child in parent.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and isinstance(child.output_size, tuple):
                setattr(parent, child_name, GridPool(_grid(child.output_size)))
    return backbone


@torch.no_grad()
def _check_size(network: Network, name: str, side_px: int) -> None:
    network.eval()
    try:
        network(torch.zeros(1, 3, side_px, side_px))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise _wrong_size(name, side_px, error) from error
    network.train()


def _wrong_size(name: str, side_px: int, error: Exception) -> TrainingError:
    return TrainingError(
        f"{name} takes no images of {side_px} px ({error}); set recipe.image_size_px to a size "
        "that it was made for, such as 224"
    )
