"""Classification: one label for each image."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import PipelineSpec, Space
from vision_assets.vision.tasks.classification.measure import ClassificationMeasure
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.task import Choice, ExportableNetwork, Samples
from vision_assets.vision.training.progress import EpochReport, OnEpoch

if TYPE_CHECKING:
    import torch
    from torch import nn

    from vision_assets.vision.evaluation.figure import Figure
    from vision_assets.vision.evaluation.scorecard import Scorecard
    from vision_assets.vision.tasks.classification.network import Network
    from vision_assets.vision.training.checkpoint import Checkpoint
    from vision_assets.vision.training.weights import FirstWeights

_FEWEST_CLASSES = 2


class ClassificationTask:
    """The training side of classification; see `vision_assets.vision.tasks.task.Task`."""

    name = "classification"
    recipe_type = ClassificationRecipe

    def search_space(self, recipe: ClassificationRecipe) -> Space:
        """Around the recipe."""
        from vision_assets.vision.tasks.classification.space import search_space

        return search_space(recipe)

    def watched(self, recipe: ClassificationRecipe) -> tuple[str, ...]:
        """The share of right answers."""
        del recipe
        return ("accuracy",)

    def targets(self, rows: pd.DataFrame, classes: Sequence[CardClass]) -> "torch.Tensor":
        """Index of each row's class, (n,) int64.

        Raises:
            TrainingError: a row has no label, or one of another class.
        """
        import torch

        position = {entry.id: index for index, entry in enumerate(classes)}
        strange = rows[~rows["class_id"].isin(list(position))]
        if len(strange):
            raise TrainingError(
                f"expected labels of the classes {[entry.name for entry in classes]}, got "
                f"{sorted(set(strange['label'].astype(str)))}; add them to the classes or label "
                "those images again"
            )
        return torch.tensor([position[int(class_id)] for class_id in rows["class_id"]])

    def network(self, recipe: ClassificationRecipe, n_classes: int) -> "Network":
        """The network that the recipe names."""
        from vision_assets.vision.tasks.classification.network import build

        return build(recipe.network, n_classes, recipe.image_size_px)

    def begin(
        self, network: "Network", recipe: ClassificationRecipe, n_classes: int, files: Path
    ) -> "FirstWeights":
        """The weights that the recipe names, and the normalisation that they expect."""
        from vision_assets.vision.tasks.classification.pretrained import begin

        return begin(network, recipe, n_classes, files)

    def learn(
        self,
        network: "nn.Module",
        train: Samples,
        val: Samples,
        recipe: ClassificationRecipe,
        device: "torch.device",
        on_epoch: OnEpoch,
        checkpoint: "Checkpoint",
    ) -> list[EpochReport]:
        """Minimise cross-entropy with label smoothing.

        Raises:
            TrainingError: the train split has one class alone.
        """
        from vision_assets.vision.tasks.classification.objective import objective
        from vision_assets.vision.training.gradient_descent import descend

        present = len(set(train.targets.tolist()))
        if present < _FEWEST_CLASSES:
            raise TrainingError(
                f"expected images of at least {_FEWEST_CLASSES} classes in the train split, "
                f"got {present}; label images of another class"
            )
        aim = objective(recipe, train.targets)
        return descend(network, aim, train, val, recipe, device, on_epoch, checkpoint)

    def calibrate(
        self,
        network: "nn.Module",
        val: Samples,
        recipe: ClassificationRecipe,
        device: "torch.device",
    ) -> dict[str, float]:
        """The temperature of the scores."""
        from vision_assets.vision.training.temperature import temperature
        from vision_assets.vision.training.validation import run_network

        logits = run_network(network, val, recipe.batch_size, device)
        return {"temperature": temperature(logits.numpy(), val.targets.numpy())}

    def exportable(
        self,
        network: "nn.Module",
        recipe: ClassificationRecipe,
        calibration: Mapping[str, float],
    ) -> ExportableNetwork:
        """The network with scores, embedding and activation map."""
        from vision_assets.vision.tasks.classification.outputs import (
            OUTPUT_NAMES,
            ExportableClassifier,
        )

        module = ExportableClassifier(
            network, recipe.image_size_px, calibration.get("temperature", 1.0)
        )
        return ExportableNetwork(module, OUTPUT_NAMES, {"activation": module.activation_kind})

    def thresholds(
        self, outcomes: pd.DataFrame | None, classes: Sequence[CardClass], spec: PipelineSpec
    ) -> Choice:
        """Those with the lowest cost."""
        from vision_assets.vision.evaluation.thresholds import choose

        return choose(outcomes, classes, spec.costs)

    def measure(self, classes: Sequence[CardClass]) -> ClassificationMeasure:
        """A fresh measure over these classes."""
        return ClassificationMeasure(classes)

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> "dict[str, Figure]":
        """Accuracy, macro figures, and precision, recall and F1 of each class."""
        from vision_assets.vision.tasks.classification.figures import figures

        return figures(outcomes, weights)

    def plots(self, scorecard: "Scorecard") -> dict[str, bytes]:
        """Of the classes, of how their scores rank images, and of what the scores promise."""
        from vision_assets.vision.tasks.classification.plots import plots

        return plots(scorecard)


TASK: Any = ClassificationTask()
