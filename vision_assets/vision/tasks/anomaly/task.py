"""Anomaly detection: learned from normal images, what is not like them, and where."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import PipelineSpec, Space
from vision_assets.vision.tasks.anomaly.measure import AnomalyMeasure
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe, AnomalySpec, FalseAlarmSpec
from vision_assets.vision.tasks.task import Choice, ExportableNetwork, Samples
from vision_assets.vision.training.progress import EpochReport, OnEpoch

if TYPE_CHECKING:
    import torch

    from vision_assets.vision.evaluation.figure import Figure
    from vision_assets.vision.evaluation.scorecard import Scorecard
    from vision_assets.vision.tasks.anomaly.detector import Detector
    from vision_assets.vision.tasks.anomaly.normals import NormalTargets
    from vision_assets.vision.training.checkpoint import Checkpoint
    from vision_assets.vision.training.weights import FirstWeights


class AnomalyTask:
    """The training side of anomaly detection; see `vision_assets.vision.tasks.task.Task`."""

    name = "anomaly"
    recipe_type = AnomalyRecipe

    def search_space(self, recipe: AnomalyRecipe) -> Space:
        """Around the recipe."""
        from vision_assets.vision.tasks.anomaly.space import search_space

        return search_space(recipe)

    def watched(self, recipe: AnomalyRecipe) -> tuple[str, ...]:
        """The Dice score of painted defects; a memory bank has the loss alone."""
        return () if recipe.method == "memory_bank" else ("dice",)

    def targets(self, rows: pd.DataFrame, classes: Sequence[CardClass]) -> "NormalTargets":
        """Whether each row shows a normal image.

        Raises:
            TrainingError: a row has no label, or one of another class.
        """
        from vision_assets.vision.tasks.anomaly.normals import targets

        return targets(rows, classes)

    def network(self, recipe: AnomalyRecipe, n_classes: int) -> "Detector":
        """The network of the recipe's method."""
        from vision_assets.vision.tasks.anomaly.network import build

        return build(recipe, n_classes)

    def begin(
        self, network: "Detector", recipe: AnomalyRecipe, n_classes: int, files: Path
    ) -> "FirstWeights":
        """The weights that the recipe names."""
        from vision_assets.vision.tasks.anomaly.network import begin

        return begin(network, recipe, n_classes, files)

    def learn(
        self,
        network: "Detector",
        train: Samples,
        val: Samples,
        recipe: AnomalyRecipe,
        device: "torch.device",
        on_epoch: OnEpoch,
        checkpoint: "Checkpoint",
    ) -> list[EpochReport]:
        """Learn from the normal images by the recipe's method.

        Raises:
            TrainingError: the train or the val split has no normal images.
        """
        from vision_assets.vision.tasks.anomaly.learning import learn
        from vision_assets.vision.tasks.anomaly.normals import normals

        found = normals(train, "train"), normals(val, "val")
        return learn(network, *found, recipe, device, on_epoch, checkpoint)

    def calibrate(
        self,
        network: "Detector",
        val: Samples,
        recipe: AnomalyRecipe,
        device: "torch.device",
    ) -> dict[str, float]:
        """Where the scores of the normal images of the val split lie."""
        from vision_assets.vision.tasks.anomaly.normalisation import fit_normalisation
        from vision_assets.vision.tasks.anomaly.normals import normals

        return fit_normalisation(network, normals(val, "val"), recipe.batch_size, device)

    def exportable(
        self,
        network: "Detector",
        recipe: AnomalyRecipe,
        calibration: Mapping[str, float],
    ) -> ExportableNetwork:
        """The network with score, anomaly map and embedding."""
        from vision_assets.vision.tasks.anomaly.normalisation import CENTRE, SPREAD
        from vision_assets.vision.tasks.anomaly.outputs import (
            ANOMALY_MAP,
            OUTPUT_NAMES,
            ExportableDetector,
        )

        module = ExportableDetector(network, calibration[CENTRE], calibration[SPREAD])
        return ExportableNetwork(module, OUTPUT_NAMES, {"activation": ANOMALY_MAP})

    def thresholds(
        self, outcomes: pd.DataFrame | None, classes: Sequence[CardClass], spec: PipelineSpec
    ) -> Choice:
        """Those that keep the rate of false alarms."""
        from vision_assets.vision.tasks.anomaly.false_alarms import choose

        asked = spec.false_alarms if isinstance(spec, AnomalySpec) else FalseAlarmSpec()
        return choose(outcomes, asked)

    def measure(self, classes: Sequence[CardClass]) -> AnomalyMeasure:
        """A fresh measure over these classes."""
        return AnomalyMeasure(classes)

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> "dict[str, Figure]":
        """How scores rank images, and what the threshold makes of them."""
        from vision_assets.vision.tasks.anomaly.figures import figures

        return figures(outcomes, weights)

    def plots(self, scorecard: "Scorecard") -> dict[str, bytes]:
        """Of scores, ranking and regions."""
        from vision_assets.vision.tasks.anomaly.plots import plots

        return plots(scorecard)

    def findings(self, scorecard: "Scorecard") -> list[str]:
        """Whether the promised rate of false alarms is kept, and what escapes at that price."""
        from vision_assets.vision.tasks.anomaly.findings import findings

        return findings(scorecard)


TASK: Any = AnomalyTask()
