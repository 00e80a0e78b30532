"""How a classification network takes first weights."""

import re
from pathlib import Path

from vision_assets.vision.tasks.classification.network import HALVED_INPUT, Network
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.training.first_weights import (
    IMAGENET,
    Left,
    Tensors,
    first_weights,
    published_weights,
)
from vision_assets.vision.training.weights import FirstWeights, take_weights

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

    def ours(tensors: Tensors) -> Left:
        own = {"mean": network.mean, "std": network.std}
        return take_weights(network, own | dict(tensors), n_classes)

    def torchvisions(tensors: Tensors, sha256: str) -> Left:
        named = {_OLD_DENSE_LAYER.sub(r"\1", key): value for key, value in tensors.items()}
        left = take_weights(network.backbone, named, n_classes)
        network.expect(*_expected_input(recipe.network, sha256))
        return left

    return first_weights(recipe, recipe.network, files, ours, torchvisions)


def _expected_input(name: str, sha256: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation, of levels 0..1, of the images that weights were trained on."""
    if name in HALVED_INPUT:
        return _HALVES
    for entry in published_weights(name):
        named = _CHECKSUM.search(entry.url)
        if named and sha256.startswith(named[1]):
            how = entry.transforms()
            return tuple(how.mean), tuple(how.std)
    return IMAGENET
