"""How a segmentation network takes first weights."""

from pathlib import Path

from vision_assets.vision.tasks.segmentation.network import Network
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.training.first_weights import IMAGENET, Left, Tensors, first_weights
from vision_assets.vision.training.weights import FirstWeights, take_weights

_AUXILIARY = "aux_classifier."
"""A head at the side that torchvision trains with, and that nothing is asked of."""


def begin(network: Network, recipe: SegmentationRecipe, files: Path) -> FirstWeights:
    """Load the weights that a recipe names; nothing is downloaded.

    The head keeps its first weights where the classes are others.

    Args:
        network: gets them, and the normalisation that they expect.
        recipe: `weights` and `weights_sha256`.
        files: where a relative path begins.

    Raises:
        TrainingError: a file is missing, is not what its checksum says, or does not fit.
    """

    def ours(tensors: Tensors) -> Left:
        own = {"mean": network.mean, "std": network.std}
        return take_weights(network, own | dict(tensors), network.head_rows)

    def torchvisions(tensors: Tensors, _sha256: str) -> Left:
        wanted = {key: value for key, value in tensors.items() if not key.startswith(_AUXILIARY)}
        left = take_weights(network.model, wanted, network.head_rows)
        network.expect(*IMAGENET)
        return left

    return first_weights(recipe, recipe.network, files, ours, torchvisions)
