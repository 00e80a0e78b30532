"""Detection: a box and a class for each object on an image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.answers import SOUND
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import PipelineSpec, Space
from vision_assets.vision.tasks.detection.spec import MEAN_AVERAGE_PRECISION_50, DetectionRecipe
from vision_assets.vision.tasks.task import Choice, ExportableNetwork, Measure, Samples
from vision_assets.vision.training.progress import EpochReport, OnEpoch

if TYPE_CHECKING:
    import torch

    from vision_assets.vision.evaluation.figure import Figure
    from vision_assets.vision.evaluation.scorecard import Scorecard
    from vision_assets.vision.tasks.detection.detector import Detector
    from vision_assets.vision.tasks.detection.targets import BoxTargets
    from vision_assets.vision.training.checkpoint import Checkpoint
    from vision_assets.vision.training.weights import FirstWeights


class DetectionTask:
    """The training side of detection; see `vision_assets.vision.tasks.task.Task`."""

    name = "detection"
    recipe_type = DetectionRecipe

    def search_space(self, recipe: DetectionRecipe) -> Space:
        """Around the recipe."""
        from vision_assets.vision.tasks.detection.space import search_space

        return search_space(recipe)

    def watched(self, recipe: DetectionRecipe) -> tuple[str, ...]:
        """The mean average precision."""
        del recipe
        return (MEAN_AVERAGE_PRECISION_50,)

    def targets(self, rows: pd.DataFrame, classes: Sequence[CardClass]) -> "BoxTargets":
        """The objects that each view shows.

        Raises:
            TrainingError: an image has no list of objects, or one of another class.
        """
        from vision_assets.vision.tasks.detection.targets import targets_of

        return targets_of(rows, classes)

    def network(self, recipe: DetectionRecipe, n_classes: int) -> "Detector":
        """The network that the recipe names."""
        from vision_assets.vision.tasks.detection.network import build

        return build(recipe.network, n_classes, recipe.image_size_px)

    def begin(
        self, network: "Detector", recipe: DetectionRecipe, n_classes: int, files: Path
    ) -> "FirstWeights":
        """The weights that the recipe names, and the normalisation that they expect."""
        from vision_assets.vision.tasks.detection.pretrained import begin

        return begin(network, recipe, n_classes, files)

    def learn(
        self,
        network: "Detector",
        train: Samples,
        val: Samples,
        recipe: DetectionRecipe,
        device: "torch.device",
        on_epoch: OnEpoch,
        checkpoint: "Checkpoint",
    ) -> list[EpochReport]:
        """Minimise the network's own losses.

        Raises:
            TrainingError: there is no box on the images of the train split.
        """
        from vision_assets.vision.tasks.detection.objective import objective
        from vision_assets.vision.training.gradient_descent import descend

        if not int(train.targets.counts().sum()):
            raise TrainingError(
                f"expected boxes on the images of the train split, got none on {len(train)}; "
                "annotate objects, or name the folder of their annotations in `source`"
            )
        aim = objective(recipe, train.targets)
        return descend(network, aim, train, val, recipe, device, on_epoch, checkpoint)

    def calibrate(
        self,
        network: "Detector",
        val: Samples,
        recipe: DetectionRecipe,
        device: "torch.device",
    ) -> dict[str, float]:
        """For each class the score from which an object is told, by its position."""
        from vision_assets.vision.tasks.detection.found_from import found_from

        return found_from(network, val, recipe, device)

    def exportable(
        self,
        network: "Detector",
        recipe: DetectionRecipe,
        calibration: Mapping[str, float],
    ) -> ExportableNetwork:
        """The network with boxes, embedding and activation map."""
        from vision_assets.vision.tasks.detection.outputs import exportable

        del calibration
        return exportable(network, recipe)

    def thresholds(
        self, outcomes: pd.DataFrame | None, classes: Sequence[CardClass], spec: PipelineSpec
    ) -> Choice:
        """Those with the lowest cost; an image without a defect is good, whatever the classes."""
        from vision_assets.vision.evaluation.thresholds import choose

        return choose(outcomes, (*classes, SOUND), spec.costs)

    def measure(self, classes: Sequence[CardClass]) -> Measure:
        """A fresh measure over these classes."""
        from vision_assets.vision.tasks.detection.measure import DetectionMeasure

        return DetectionMeasure(classes)

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> "dict[str, Figure]":
        """Images without a mistake, mean average precision, and figures of each class."""
        from vision_assets.vision.tasks.detection.figures import figures

        return figures(outcomes, weights)

    def plots(self, scorecard: "Scorecard") -> dict[str, bytes]:
        """Of the classes, of precision along recall, and of the kinds of error."""
        from vision_assets.vision.tasks.detection.plots import plots

        return plots(scorecard)


TASK: Any = DetectionTask()
