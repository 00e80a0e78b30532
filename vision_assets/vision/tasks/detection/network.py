"""Networks for detection by name: a small one of our own, and torchvision's.

Those that find key points, and Mask R-CNN, need more than boxes to learn from and are left out.
"""

import torch
from torch import nn
from torchvision.models import detection, get_model, list_models
from torchvision.models.detection import FasterRCNN

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.detection.detector import Detector
from vision_assets.vision.tasks.detection.one_stage import OneStageDetector
from vision_assets.vision.tasks.detection.small import SmallDetector
from vision_assets.vision.tasks.detection.two_stage import TwoStageDetector

SMALL = "small"
_NEED_MORE = ("keypointrcnn", "maskrcnn")
_WITH_BACKGROUND = ("fasterrcnn", "ssd")
"""Networks that count the background among the classes."""


def build(name: str, n_classes: int, side_px: int) -> Detector:
    """Build a network with first weights from the global generator.

    Args:
        name: `small`, or a torchvision detector's name, such as `fcos_resnet50_fpn`.
        n_classes: objects' classes; the background is none of them.
        side_px: side of the square views that it will get.

    Raises:
        TrainingError: there is no such network, or it does not take views of this size.
    """
    known = network_names()
    if name not in known:
        raise TrainingError(f"expected recipe.network to be one of {known}, got {name!r}")
    if name == SMALL:
        return SmallDetector(n_classes)
    return _build_torchvision(name, n_classes, side_px)


def network_names() -> list[str]:
    """All names that `build` takes."""
    named = list_models(module=detection)
    return [SMALL, *(name for name in named if not name.startswith(_NEED_MORE))]


def _build_torchvision(name: str, n_classes: int, side_px: int) -> Detector:
    counted = n_classes + name.startswith(_WITH_BACKGROUND)
    network = get_model(name, weights=None, weights_backbone=None, num_classes=counted)
    kind = TwoStageDetector if isinstance(network, FasterRCNN) else OneStageDetector
    try:
        detector = _without_transform(kind, network, side_px)
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"{name} takes no views of {side_px} px ({error}); set recipe.image_size_px to a size "
            "that it was made for, such as 320"
        ) from error
    return detector.train()


def _without_transform(
    kind: type[TwoStageDetector] | type[OneStageDetector], network: nn.Module, side_px: int
) -> Detector:
    """Views have their size, and the detector normalises them."""
    network.transform = nn.Identity()
    network.eval()
    detector = kind(network, side_px).eval()
    with torch.no_grad():
        detector(torch.zeros(1, 3, side_px, side_px))
    return detector
