"""The networks of anomaly detection, by method, and what they start from."""

from pathlib import Path

from vision_assets.vision.tasks.anomaly.detector import Detector
from vision_assets.vision.tasks.anomaly.memory_bank import MemoryBank
from vision_assets.vision.tasks.anomaly.segmenter import DefectSegmenter
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.classification.network import build as build_backbone
from vision_assets.vision.tasks.classification.pretrained import begin as begin_backbone
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.training.weights import (
    FROM_SCRATCH,
    FirstWeights,
    read_weights,
    take_weights,
)


def build(recipe: AnomalyRecipe, n_classes: int) -> Detector:
    """The network of a method, with first weights from the global generator.

    Args:
        recipe: names the method.
        n_classes: length of the head of a backbone.

    Raises:
        TrainingError: the recipe names no network that can be built.
    """
    if recipe.method == "synthetic_defects":
        return DefectSegmenter()
    backbone = build_backbone(recipe.backbone, n_classes, recipe.image_size_px)
    return MemoryBank(backbone, recipe.image_size_px, recipe.bank_size, recipe.neighbours)


def begin(network: Detector, recipe: AnomalyRecipe, n_classes: int, files: Path) -> FirstWeights:
    """Load the weights that a recipe names; nothing is downloaded.

    Raises:
        TrainingError: a file is missing, is not what its checksum says, or does not fit.
    """
    if isinstance(network, MemoryBank):
        as_classifier = ClassificationRecipe(
            network=recipe.backbone,
            weights=recipe.weights,
            weights_sha256=recipe.weights_sha256,
        )
        return begin_backbone(network.backbone, as_classifier, n_classes, files)
    if not recipe.weights.startswith("file:"):
        return FROM_SCRATCH
    path = files / Path(recipe.weights.removeprefix("file:")).expanduser()
    tensors, sha256 = read_weights(path, recipe.weights_sha256)
    left, unused = take_weights(network, tensors, n_classes)
    return FirstWeights("an anomaly detector of ours", path.name, sha256, left, unused)
