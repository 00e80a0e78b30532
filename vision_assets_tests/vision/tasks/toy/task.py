"""The training side of the toy task: the mean brightness of each class."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.thresholds import choose
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import PipelineSpec, RangeSpec, Space
from vision_assets.vision.tasks.task import Choice, ExportableNetwork, Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.progress import EpochReport, OnEpoch
from vision_assets.vision.training.weights import FirstWeights
from vision_assets_tests.vision.tasks.toy.measure import ToyMeasure, figures
from vision_assets_tests.vision.tasks.toy.spec import ToyRecipe


class Nearest(nn.Module):
    """(n, 3, h, w) -> scores by the distance of an image's brightness to that of each class."""

    def __init__(self, n_classes: int, sharpness: float) -> None:
        super().__init__()
        self.sharpness = sharpness
        self.grey = nn.Conv2d(3, 1, 1, bias=False).requires_grad_(False)
        nn.init.constant_(self.grey.weight, 1 / (3 * 255))
        self.brightness = nn.Parameter(torch.rand(n_classes))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        found = self.grey(images).mean((1, 2, 3))
        return -self.sharpness * (found[:, None] - self.brightness).abs()


class Exportable(nn.Module):
    """With the inputs and outputs of the contract."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        floats = images.permute(0, 3, 1, 2).float()
        return torch.softmax(self.network(floats), 1), floats.mean((1, 2, 3))[:, None]


class ToyTask:
    name = "toy"
    recipe_type = ToyRecipe

    def search_space(self, recipe: ToyRecipe) -> Space:
        return {"sharpness": RangeSpec(low=1, high=100, log=True)}

    def watched(self, recipe: ToyRecipe) -> tuple[str, ...]:
        return ()

    def targets(self, rows: pd.DataFrame, classes: Sequence[CardClass]) -> np.ndarray:
        position = {entry.id: index for index, entry in enumerate(classes)}
        strange = rows.loc[~rows["class_id"].isin(list(position)), "label"]
        if len(strange):
            raise TrainingError(f"expected labels of {list(classes)}, got {set(strange)}")
        return np.array([position[int(class_id)] for class_id in rows["class_id"]])

    def network(self, recipe: ToyRecipe, n_classes: int) -> nn.Module:
        return Nearest(n_classes, recipe.sharpness)

    def begin(
        self, network: nn.Module, recipe: ToyRecipe, n_classes: int, files: Path
    ) -> FirstWeights:
        return FirstWeights("from scratch")

    def learn(
        self,
        network: nn.Module,
        train: Samples,
        val: Samples,
        recipe: ToyRecipe,
        device: torch.device,
        on_epoch: OnEpoch,
        checkpoint: Checkpoint,
    ) -> list[EpochReport]:
        found = np.array([train.pixels[np.array([i])].mean() / 255 for i in range(len(train))])
        assert isinstance(network, Nearest)
        with torch.no_grad():
            for index in np.unique(train.targets):
                network.brightness[index] = float(found[train.targets == index].mean())
        report = EpochReport(1, 1, 0.0, None, {}, 1e-3, 0.0, 1.0)
        on_epoch(report)
        return [report]

    def calibrate(
        self, network: nn.Module, val: Samples, recipe: ToyRecipe, device: torch.device
    ) -> dict[str, float]:
        return {}

    def exportable(
        self, network: nn.Module, recipe: ToyRecipe, calibration: Mapping[str, float]
    ) -> ExportableNetwork:
        return ExportableNetwork(Exportable(network), ("scores", "embedding"), {})

    def thresholds(
        self, outcomes: pd.DataFrame | None, classes: Sequence[CardClass], spec: PipelineSpec
    ) -> Choice:
        return choose(outcomes, classes, spec.costs)

    def measure(self, classes: Sequence[CardClass]) -> ToyMeasure:
        return ToyMeasure(classes)

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> Any:
        return figures(outcomes, weights)

    def plots(self, scorecard: Scorecard) -> dict[str, bytes]:
        return {}


TASK = ToyTask()
