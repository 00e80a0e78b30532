"""What a detector starts from: nothing, torchvision's weights, a model of ours."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torchvision

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.detection.detector import Detector
from vision_assets.vision.tasks.detection.network import SMALL
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.training.weights import (
    FROM_SCRATCH,
    FirstWeights,
    read_weights,
    take_weights,
)

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_SSDLITE = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_SSD = ((0.48235, 0.45882, 0.40784), (1 / 255, 1 / 255, 1 / 255))
"""Mean and standard deviation, of levels 0..1, that torchvision's networks expect."""
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
    if recipe.weights == "none":
        return FROM_SCRATCH
    if recipe.weights == "auto":
        return _begin_with_cached(network, recipe, n_classes)
    path = files / Path(recipe.weights.removeprefix("file:")).expanduser()
    tensors, sha256 = read_weights(path, recipe.weights_sha256)
    if path.suffix == ".safetensors":
        left, unused = _take(network, tensors, n_classes)
        return FirstWeights("a model of ours", path.name, sha256, left, unused)
    return _take_torchvision(network, recipe.network, n_classes, tensors, path.name, sha256)


def cached_weights(name: str) -> Path | None:
    """The file of a detector's weights in torch's cache.

    Args:
        name: of a network.
    """
    folder = Path(torch.hub.get_dir(), "checkpoints")
    paths = (folder / Path(entry.url).name for entry in _known_weights(name))
    return next((path for path in paths if path.is_file()), None)


def _begin_with_cached(network: Detector, recipe: DetectionRecipe, n_classes: int) -> FirstWeights:
    """`auto`: torchvision's weights where they lie on this machine and fit."""
    path = cached_weights(recipe.network)
    if path is None:
        there = "no weights of" if recipe.network == SMALL else "not in torch's cache:"
        return FirstWeights(f"from scratch ({there} {recipe.network})")
    tensors, sha256 = read_weights(path)
    try:
        return _take_torchvision(network, recipe.network, n_classes, tensors, path.name, sha256)
    except TrainingError as error:
        return FirstWeights(f"from scratch ({path.name}: {error})")


def _take_torchvision(
    network: Detector,
    name: str,
    n_classes: int,
    tensors: Mapping[str, torch.Tensor],
    file: str,
    sha256: str,
) -> FirstWeights:
    named = {f"network.{key}": value for key, value in tensors.items()}
    own = {"mean": network.mean, "std": network.std}
    left, unused = _take(network, own | named, n_classes)
    kind = next((kind for kind in _EXPECTED if name.startswith(kind)), "")
    network.expect(*_EXPECTED.get(kind, _IMAGENET))
    return FirstWeights("torchvision's", file, sha256, left, unused)


def _take(
    network: Detector, tensors: Mapping[str, torch.Tensor], n_classes: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
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


def _known_weights(name: str) -> list[Any]:
    """What torchvision publishes for a detector, the recommended first; nothing for ours."""
    if name == SMALL:
        return []
    published = torchvision.models.get_model_weights(name)
    return [published["DEFAULT"], *published]
