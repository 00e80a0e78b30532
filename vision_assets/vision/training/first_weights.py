"""What a network starts from: nothing, torchvision's weights, a model of ours.

Every task goes this way; how its network takes the tensors of a file is its own.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torchvision

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.spec import Recipe
from vision_assets.vision.training.weights import FROM_SCRATCH, FirstWeights, read_weights

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and standard deviation, of levels 0..1, that most of torchvision's weights expect."""
Tensors = Mapping[str, torch.Tensor]
Left = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the network's tensors that a file did not give, and of the file's that nothing took."""
TakeOurs = Callable[[Tensors], Left]
TakeTorchvisions = Callable[[Tensors, str], Left]
"""The tensors and the SHA-256 of their file; also sets the normalisation that they expect."""


def first_weights(
    recipe: Recipe, name: str, files: Path, ours: TakeOurs, torchvisions: TakeTorchvisions
) -> FirstWeights:
    """Load the weights that a recipe names; nothing is downloaded.

    Args:
        recipe: `weights` and `weights_sha256`.
        name: of the network.
        files: where a relative path begins.
        ours: takes the tensors of a model of ours.
        torchvisions: takes those of torchvision.

    Raises:
        TrainingError: a file is missing, is not what its checksum says, or does not fit.
    """
    if recipe.weights == "none":
        return FROM_SCRATCH
    if recipe.weights == "auto":
        return _cached_or_none(name, torchvisions)
    path = files / Path(recipe.weights.removeprefix("file:")).expanduser()
    tensors, sha256 = read_weights(path, recipe.weights_sha256)
    if path.suffix == ".safetensors":
        return FirstWeights("a model of ours", path.name, sha256, *ours(tensors))
    return FirstWeights("torchvision's", path.name, sha256, *torchvisions(tensors, sha256))


def cached_weights(name: str) -> Path | None:
    """The file of a network's weights in torch's cache; the recommended one where there are more.

    Args:
        name: of a network.
    """
    folder = Path(torch.hub.get_dir(), "checkpoints")
    paths = (folder / Path(entry.url).name for entry in published_weights(name))
    return next((path for path in paths if path.is_file()), None)


def published_weights(name: str) -> list[torchvision.models.WeightsEnum]:
    """What torchvision publishes for a network, the recommended first; nothing for ours."""
    if name not in torchvision.models.list_models():
        return []
    published = torchvision.models.get_model_weights(name)
    return [published["DEFAULT"], *published]


def _cached_or_none(name: str, torchvisions: TakeTorchvisions) -> FirstWeights:
    """`auto`: torchvision's weights where they lie on this machine and fit."""
    path = cached_weights(name)
    if path is None:
        there = "not in torch's cache:" if published_weights(name) else "no weights of"
        return FirstWeights(f"from scratch ({there} {name})")
    tensors, sha256 = read_weights(path)
    try:
        left, unused = torchvisions(tensors, sha256)
    except TrainingError as error:
        return FirstWeights(f"from scratch ({path.name}: {error})")
    return FirstWeights("torchvision's", path.name, sha256, left, unused)
