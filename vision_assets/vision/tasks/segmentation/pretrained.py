"""What a segmentation network starts from: nothing, torchvision's weights, a model of ours."""

from collections.abc import Mapping
from pathlib import Path

import torch
import torchvision

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.segmentation.network import SMALL, Network
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.training.weights import (
    FROM_SCRATCH,
    FirstWeights,
    read_weights,
    take_weights,
)

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_AUXILIARY = "aux_classifier."
"""A head at the side that torchvision trains with, and that nothing is asked of."""


def begin(network: Network, recipe: SegmentationRecipe, files: Path) -> FirstWeights:
    """Load the weights that a recipe names; nothing is downloaded.

    Args:
        network: gets them, and the normalisation that they expect.
        recipe: `weights` and `weights_sha256`.
        files: where a relative path begins.

    Raises:
        TrainingError: a file is missing, is not what its checksum says, or does not fit.
    """
    if recipe.weights == "none":
        return FROM_SCRATCH
    if recipe.weights == "auto":
        return _begin_with_cached(network, recipe.network)
    path = files / Path(recipe.weights.removeprefix("file:")).expanduser()
    tensors, sha256 = read_weights(path, recipe.weights_sha256)
    if path.suffix == ".safetensors":
        own = {"mean": network.mean, "std": network.std}
        left, unused = take_weights(network, own | tensors, network.head_rows)
        return FirstWeights("a model of ours", path.name, sha256, left, unused)
    return _take_torchvision(network, tensors, path.name, sha256)


def cached_weights(name: str) -> Path | None:
    """The file of a network's weights in torch's cache; the recommended one where there are more.

    Args:
        name: of a network.
    """
    if name == SMALL:
        return None
    published = torchvision.models.get_model_weights(name)
    folder = Path(torch.hub.get_dir(), "checkpoints")
    paths = (folder / Path(entry.url).name for entry in (published["DEFAULT"], *published))
    return next((path for path in paths if path.is_file()), None)


def _begin_with_cached(network: Network, name: str) -> FirstWeights:
    """`auto`: torchvision's weights where they lie on this machine and fit."""
    path = cached_weights(name)
    if path is None:
        there = "no weights of" if name == SMALL else "not in torch's cache:"
        return FirstWeights(f"from scratch ({there} {name})")
    tensors, sha256 = read_weights(path)
    try:
        return _take_torchvision(network, tensors, path.name, sha256)
    except TrainingError as error:
        return FirstWeights(f"from scratch ({path.name}: {error})")


def _take_torchvision(
    network: Network,
    tensors: Mapping[str, torch.Tensor],
    file: str,
    sha256: str,
) -> FirstWeights:
    """Of a segmentation network; its head keeps its first weights where the classes are others."""
    wanted = {key: value for key, value in tensors.items() if not key.startswith(_AUXILIARY)}
    left, unused = take_weights(network.model, wanted, network.head_rows)
    network.expect(*_IMAGENET)
    return FirstWeights("torchvision's", file, sha256, left, unused)
