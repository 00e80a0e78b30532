"""Segmentation: the class of every pixel, and the regions that they make."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.answers import SOUND
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import PipelineSpec, Space
from vision_assets.vision.tasks.segmentation.measure import SegmentationMeasure
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe
from vision_assets.vision.tasks.task import Choice, ExportableNetwork, Samples
from vision_assets.vision.training.progress import EpochReport, OnEpoch

if TYPE_CHECKING:
    import torch

    from vision_assets.vision.evaluation.figure import Figure
    from vision_assets.vision.evaluation.scorecard import Scorecard
    from vision_assets.vision.tasks.segmentation.network import Network
    from vision_assets.vision.tasks.segmentation.targets import ObjectTargets
    from vision_assets.vision.training.checkpoint import Checkpoint
    from vision_assets.vision.training.weights import FirstWeights


class SegmentationTask:
    """The training side of segmentation; see `vision_assets.vision.tasks.task.Task`."""

    name = "segmentation"
    recipe_type = SegmentationRecipe

    def search_space(self, recipe: SegmentationRecipe) -> Space:
        """Around the recipe."""
        from vision_assets.vision.tasks.segmentation.space import search_space

        return search_space(recipe)

    def watched(self, recipe: SegmentationRecipe) -> tuple[str, ...]:
        """The mean IoU."""
        del recipe
        return ("mean_iou",)

    def targets(self, rows: pd.DataFrame, classes: Sequence[CardClass]) -> "ObjectTargets":
        """The objects of each view; they become maps when the training begins.

        Raises:
            TrainingError: an image has no list of objects, or one of another class.
        """
        from vision_assets.vision.tasks.segmentation.targets import object_targets

        return object_targets(rows, classes)

    def network(self, recipe: SegmentationRecipe, n_classes: int) -> "Network":
        """The network that the recipe names."""
        from vision_assets.vision.tasks.segmentation.network import build

        return build(recipe.network, n_classes)

    def begin(
        self, network: "Network", recipe: SegmentationRecipe, n_classes: int, files: Path
    ) -> "FirstWeights":
        """The weights that the recipe names, and the normalisation that they expect."""
        from vision_assets.vision.tasks.segmentation.pretrained import begin

        del n_classes
        return begin(network, recipe, files)

    def learn(
        self,
        network: "Network",
        train: Samples,
        val: Samples,
        recipe: SegmentationRecipe,
        device: "torch.device",
        on_epoch: OnEpoch,
        checkpoint: "Checkpoint",
    ) -> list[EpochReport]:
        """Minimise cross-entropy and Dice over pixels.

        Raises:
            TrainingError: no view of the train split shows an object, or a mask does not fit.
        """
        from vision_assets.vision.tasks.segmentation.objective import objective
        from vision_assets.vision.tasks.segmentation.targets import rasterised
        from vision_assets.vision.training.gradient_descent import descend

        size = train.pixels.shape[1:3]
        with rasterised(train.targets, *size) as of_train, rasterised(val.targets, *size) as of_val:
            if not of_train.counts[:, 1:].any():
                raise TrainingError(
                    "expected objects in the train split, got none that is seen at the size of "
                    "the network's input; annotate regions, or raise recipe.image_size_px"
                )
            return descend(
                network,
                objective(recipe, of_train.counts),
                Samples(train.pixels, of_train),
                Samples(val.pixels, of_val),
                recipe,
                device,
                on_epoch,
                checkpoint,
            )

    def calibrate(
        self,
        network: "Network",
        val: Samples,
        recipe: SegmentationRecipe,
        device: "torch.device",
    ) -> dict[str, float]:
        """How sure pixels are, how readily objects; and what the evidence for a defect is worth."""
        from vision_assets.vision.tasks.segmentation.calibration import calibration
        from vision_assets.vision.tasks.segmentation.targets import rasterised

        with rasterised(val.targets, *val.pixels.shape[1:3]) as maps:
            return calibration(network, val.pixels, maps, recipe.batch_size, device)

    def exportable(
        self,
        network: "Network",
        recipe: SegmentationRecipe,
        calibration: Mapping[str, float],
    ) -> ExportableNetwork:
        """The network with probabilities, embedding and activation map."""
        from vision_assets.vision.tasks.segmentation.answer import MIN_REGION
        from vision_assets.vision.tasks.segmentation.calibration import OBJECT_OFFSET, TEMPERATURE
        from vision_assets.vision.tasks.segmentation.outputs import (
            ACTIVATION,
            OUTPUT_NAMES,
            ExportableSegmenter,
        )

        module = ExportableSegmenter(
            network, calibration.get(TEMPERATURE, 1.0), calibration.get(OBJECT_OFFSET, 0.0)
        )
        options = {"activation": ACTIVATION, MIN_REGION: str(recipe.min_region_px)}
        return ExportableNetwork(module, OUTPUT_NAMES, options)

    def thresholds(
        self, outcomes: pd.DataFrame | None, classes: Sequence[CardClass], spec: PipelineSpec
    ) -> Choice:
        """Those with the lowest cost; an image without a defect is good, whatever the classes."""
        from vision_assets.vision.evaluation.thresholds import choose

        return choose(outcomes, (*classes, SOUND), spec.costs)

    def measure(self, classes: Sequence[CardClass]) -> SegmentationMeasure:
        """A fresh measure over these classes."""
        return SegmentationMeasure(classes)

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> "dict[str, Figure]":
        """Mean IoU and Dice, those of each class, pixel accuracy, boundary F1."""
        from vision_assets.vision.tasks.segmentation.figures import figures

        return figures(outcomes, weights)

    def plots(self, scorecard: "Scorecard") -> dict[str, bytes]:
        """Of the classes, of which pixels are taken for which, of how scores rank pixels."""
        from vision_assets.vision.tasks.segmentation.plots import plots

        return plots(scorecard)


TASK: Any = SegmentationTask()
