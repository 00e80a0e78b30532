"""What the training side of a task does; the graph around it is the same for all tasks.

`tasks/<task>/task.py` defines `TASK`, an object with these methods. It is imported by reports
as well, which run without torch: torch is imported inside the methods that need it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd

from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import PipelineSpec, Recipe, Space
from vision_assets.vision.training.progress import EpochReport, OnEpoch

if TYPE_CHECKING:
    import torch
    from torch import nn

    from vision_assets.vision.evaluation.figure import Figure
    from vision_assets.vision.evaluation.scorecard import Scorecard
    from vision_assets.vision.training.checkpoint import Checkpoint
    from vision_assets.vision.training.weights import FirstWeights


class Images(Protocol):
    """Images of one size, in memory, in a file, or made when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, h, w, 3)."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, chosen: np.ndarray, /) -> np.ndarray:
        """Those at positions (n,), as (n, h, w, 3) uint8."""
        ...


@dataclass(frozen=True)
class Samples:
    """The images of one split, decoded and resized, with what the network shall say of them.

    Attributes:
        pixels: n images.
        targets: n targets, in the form that the task's `targets` gives.
    """

    pixels: Images
    targets: Any

    def __len__(self) -> int:
        return len(self.pixels)


@dataclass(frozen=True)
class Measured:
    """What a measure found over all images.

    Attributes:
        metrics: figures by name; gates refer to them. Higher is better, but for those that end
            with `_error`.
        per_class: one row per class, `class_id`, `label`, then figures.
        confusion: counts; rows are labels, columns what was predicted.
        predictions: the outcomes, one row per image: `image_id`, `label`, `predicted`, `score`,
            `correct`, and `error` in 0..1, by which the worst mistakes are found; `defect`,
            whether the image shows one (missing where that is not known), `defect_score` in
            0..1, and the `decision` by it (missing where the bundle has no thresholds).
        curves: tables that the task's own plots are drawn from, by name; of a bounded number of
            rows, whatever the number of images.
    """

    metrics: dict[str, float]
    per_class: pd.DataFrame
    confusion: pd.DataFrame
    predictions: pd.DataFrame
    curves: dict[str, pd.DataFrame] = field(default_factory=dict)


class Measure(Protocol):
    """Compares answers with annotations, image by image."""

    def update(self, row: Mapping[str, Any], answer: Answer) -> None:
        """Take in one image: its row of the manifest, and what the bundle said."""
        ...

    def compute(self) -> Measured:
        """The figures over all images taken in."""
        ...


@dataclass(frozen=True)
class Choice:
    """Thresholds and where they come from.

    Attributes:
        thresholds: `pass_below` and `refuse_from`; empty where there is nothing to decide.
        origin: how they were chosen, or why there are none.
        options: more facts about them, for the card.
    """

    thresholds: dict[str, float]
    origin: str
    options: dict[str, str] = field(default_factory=dict)


class Task(Protocol):
    """One kind of question that an image is asked."""

    name: str
    recipe_type: type[Recipe]

    def search_space(self, recipe: Recipe) -> Space:
        """Where a search looks for a recipe that is better than this one."""
        ...

    def watched(self, recipe: Recipe) -> tuple[str, ...]:
        """Figures that `learn` reports of the val split, more is better, for a search to go by."""
        ...

    def targets(self, rows: pd.DataFrame, classes: Sequence[CardClass]) -> Any:
        """What the network shall say of each view, indexable by an integer array or a slice.

        Args:
            rows: of the manifest, one per view; see `training.views.window_of`. What comes back
                may have `remarks`: lines that a person is told before the training.
            classes: in the order of the scores.

        Raises:
            TrainingError: nobody annotated a row, or it is of a class that is not among these.
        """
        ...

    def network(self, recipe: Recipe, n_classes: int) -> "nn.Module":
        """A network with first weights from the global generator.

        Raises:
            TrainingError: the recipe names no network that can be built.
        """
        ...

    def begin(
        self, network: "nn.Module", recipe: Recipe, n_classes: int, files: Path
    ) -> "FirstWeights":
        """Load the weights that the recipe names, if any, and say which; `files` is where a
        relative path begins.

        Raises:
            TrainingError: a file is missing, is not what its checksum says, or does not fit.
        """
        ...

    def learn(
        self,
        network: "nn.Module",
        train: Samples,
        val: Samples,
        recipe: Recipe,
        device: "torch.device",
        on_epoch: OnEpoch,
        checkpoint: "Checkpoint",
    ) -> list[EpochReport]:
        """Train the network in place, and give the history.

        Raises:
            TrainingError: the recipe cannot be trained on these samples.
        """
        ...

    def calibrate(
        self, network: "nn.Module", val: Samples, recipe: Recipe, device: "torch.device"
    ) -> dict[str, float]:
        """What makes the scores of a trained network probabilities, found on the val split."""
        ...

    def exportable(
        self, network: "nn.Module", recipe: Recipe, calibration: Mapping[str, float]
    ) -> "ExportableNetwork":
        """The trained network as a bundle runs it, with its calibration inside."""
        ...

    def thresholds(
        self, outcomes: pd.DataFrame | None, classes: Sequence[CardClass], spec: PipelineSpec
    ) -> Choice:
        """The thresholds by which a bundle decides what becomes of a part.

        Args:
            outcomes: `Measured.predictions` of the val split, with the `group` of each image
                where the version knows it; None where the split is empty.
            classes: of the bundle.
            spec: of the use case.
        """
        ...

    def measure(self, classes: Sequence[CardClass]) -> Measure:
        """A fresh measure over these classes."""
        ...

    def figures(self, outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, "Figure"]:
        """Figures over outcomes that count several times, or not at all; pure and fast.

        Args:
            outcomes: n rows of `Measured.predictions`.
            weights: (r, n) float, how often each counts in each of r weightings.

        Returns:
            By name, in 0..1 and better when higher; of one class as in `recall/scratch`, where
            images of it are there.
        """
        ...

    def plots(self, scorecard: "Scorecard") -> dict[str, bytes]:
        """The plots of a report that belong to this task, PNG by title."""
        ...


@runtime_checkable
class Finds(Protocol):
    """A task that has more to tell in a report than figures and plots."""

    def findings(self, scorecard: "Scorecard") -> list[str]:
        """Sentences for people."""
        ...


@dataclass(frozen=True)
class ExportableNetwork:
    """A network with the inputs and outputs of the bundle's contract.

    Attributes:
        module: (n, h, w, 3) uint8 -> a tuple of tensors, the batch first in each.
        output_names: names of those, in order.
        options: facts about the outputs, for the card.
    """

    module: "nn.Module"
    output_names: tuple[str, ...]
    options: dict[str, str]
