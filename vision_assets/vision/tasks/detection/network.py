"""Networks for detection by name: a small one of our own, and torchvision's."""

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.detection.detector import Detector
from vision_assets.vision.tasks.detection.small import SmallDetector

SMALL = "small"


def build(name: str, n_classes: int, side_px: int) -> Detector:
    """Build a network with first weights from the global generator.

    Args:
        name: `small`, or a torchvision detector's name, such as `fcos_resnet50_fpn`.
        n_classes: objects' classes; the background is none of them.
        side_px: side of the square views that it will get.

    Raises:
        TrainingError: there is no such network, or it does not take views of this size.
    """
    if name == SMALL:
        return SmallDetector(n_classes)
    raise TrainingError(f"expected recipe.network to be one of {network_names()}, got {name!r}")


def network_names() -> list[str]:
    """All names that `build` takes."""
    return [SMALL]
