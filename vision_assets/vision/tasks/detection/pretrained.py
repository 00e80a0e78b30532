"""How a detector takes first weights."""

from pathlib import Path

import torch

from vision_assets.vision.tasks.detection.detector import Detector
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.training.first_weights import IMAGENET, Left, Tensors, first_weights
from vision_assets.vision.training.weights import FirstWeights, take_weights

_SSDLITE = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_SSD = ((0.48235, 0.45882, 0.40784), (1 / 255, 1 / 255, 1 / 255))
_EXPECTED = {"ssdlite": _SSDLITE, "ssd300": _SSD}
_OF_CLASSES = ("classification_head", "cls_score", "bbox_pred", "cls_logits")
"""In the names of tensors whose length follows from the number of classes."""


def begin(network: Detector, recipe: DetectionRecipe, n_classes: int, files: Path) -> FirstWeights:
    """Load the weights that a recipe names; nothing is downloaded.

    Args:
        network: gets them, and the normalisation that they expect.
        recipe: `weights` and `weights_sha256`.
        n_classes: of objects.
        files: where a relative path begins.

    Raises:
        TrainingError: a file is missing, is not what its checksum says, or does not fit.
    """

    def ours(tensors: Tensors) -> Left:
        return _take(network, tensors, n_classes)

    def torchvisions(tensors: Tensors, _sha256: str) -> Left:
        named = {f"network.{key}": value for key, value in tensors.items()}
        own = {"mean": network.mean, "std": network.std}
        left = _take(network, own | named, n_classes)
        kind = next((kind for kind in _EXPECTED if recipe.network.startswith(kind)), "")
        network.expect(*_EXPECTED.get(kind, IMAGENET))
        return left

    return first_weights(recipe, recipe.network, files, ours, torchvisions)


def _take(network: Detector, tensors: Tensors, n_classes: int) -> Left:
    """As `take_weights`; heads of another number of classes keep their first weights.

    They have several outputs for each class, so that their length is not that number.
    """
    own = network.state_dict()
    heads = tuple(name for name in own if _of_other_classes(name, own[name], tensors.get(name)))
    fitting = dict(tensors) | {name: own[name] for name in heads}
    left, unused = take_weights(network, fitting, n_classes)
    return (*heads, *left), unused


def _of_other_classes(name: str, own: torch.Tensor, other: torch.Tensor | None) -> bool:
    if other is None or own.ndim != other.ndim or own.shape == other.shape:
        return False
    is_head = any(part in name for part in _OF_CLASSES) or name.startswith("centres.")
    return is_head and own.shape[1:] == other.shape[1:]
