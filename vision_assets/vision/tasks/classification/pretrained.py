"""What a classification network starts from: nothing, torchvision's weights, a model of ours."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
import torchvision

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.tasks.classification.network import HALVED_INPUT, SMALL, Network
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.training.weights import (
    FROM_SCRATCH,
    FirstWeights,
    read_weights,
    take_weights,
)

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALVES = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_OLD_DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(?=[12]\.)")
_CHECKSUM = re.compile(r"-([0-9a-f]{8,})\.pth$")


def begin(
    network: Network, recipe: ClassificationRecipe, n_classes: int, files: Path
) -> FirstWeights:
    """Load the weights that a recipe names; nothing is downloaded.

    Args:
        network: gets them, and the normalisation that they expect.
        recipe: `weights` and `weights_sha256`.
        n_classes: of the network's head.
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
        own = {"mean": network.mean, "std": network.std}
        left, unused = take_weights(network, own | tensors, n_classes)
        return FirstWeights("a model of ours", path.name, sha256, left, unused)
    return _take_torchvision(network, recipe.network, n_classes, tensors, path.name, sha256)


def cached_weights(name: str) -> Path | None:
    """The file of a network's weights in torch's cache; the recommended one where there are more.

    Args:
        name: of a network.
    """
    folder = Path(torch.hub.get_dir(), "checkpoints")
    paths = (folder / Path(entry.url).name for entry in _known_weights(name))
    return next((path for path in paths if path.is_file()), None)


def _begin_with_cached(
    network: Network, recipe: ClassificationRecipe, n_classes: int
) -> FirstWeights:
    """`auto`: torchvision's weights where they lie on this machine and fit."""
    path = cached_weights(recipe.network)
    if path is None:
        there = "no weights of" if not _known_weights(recipe.network) else "not in torch's cache:"
        return FirstWeights(f"from scratch ({there} {recipe.network})")
    tensors, sha256 = read_weights(path)
    try:
        return _take_torchvision(network, recipe.network, n_classes, tensors, path.name, sha256)
    except TrainingError as error:
        return FirstWeights(f"from scratch ({path.name}: {error})")


def _take_torchvision(
    network: Network,
    name: str,
    n_classes: int,
    tensors: Mapping[str, torch.Tensor],
    file: str,
    sha256: str,
) -> FirstWeights:
    named = {_OLD_DENSE_LAYER.sub(r"\1", key): value for key, value in tensors.items()}
    left, unused = take_weights(network.backbone, named, n_classes)
    network.expect(*_expected_input(name, sha256))
    return FirstWeights("torchvision's", file, sha256, left, unused)


def _expected_input(name: str, sha256: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation, of levels 0..1, of the images that weights were trained on."""
    if name in HALVED_INPUT:
        return _HALVES
    for entry in _known_weights(name):
        named = _CHECKSUM.search(entry.url)
        if named and sha256.startswith(named[1]):
            how = entry.transforms()
            return tuple(how.mean), tuple(how.std)
    return _IMAGENET


def _known_weights(name: str) -> list[torchvision.models.WeightsEnum]:
    """What torchvision publishes for a network, the recommended first; nothing for ours."""
    if name == SMALL:
        return []
    published = torchvision.models.get_model_weights(name)
    return [published["DEFAULT"], *published]
