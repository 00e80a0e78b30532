"""What a detector starts from: nothing, torchvision's weights, a model of ours."""

from pathlib import Path

from vision_assets.vision.tasks.detection.detector import Detector
from vision_assets.vision.tasks.detection.spec import DetectionRecipe
from vision_assets.vision.training.weights import (
    FROM_SCRATCH,
    FirstWeights,
    read_weights,
    take_weights,
)


def begin(network: Detector, recipe: DetectionRecipe, n_classes: int, files: Path) -> FirstWeights:
    if recipe.weights == "none":
        return FROM_SCRATCH
    if recipe.weights == "auto":
        return FirstWeights(f"from scratch (no weights of {recipe.network})")
    path = files / Path(recipe.weights.removeprefix("file:")).expanduser()
    tensors, sha256 = read_weights(path, recipe.weights_sha256)
    left, unused = take_weights(network, tensors, n_classes)
    return FirstWeights("a model of ours", path.name, sha256, left, unused)
