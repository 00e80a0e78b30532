"""A recorded training, done again: whether the weights are the same, and if not, why."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.spec import ClassSpec, Recipe
from vision_assets.vision.tasks.task import Task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixels import ReadBytes
from vision_assets.vision.training.progress import OnEpoch, Say, ignore_progress, say_nothing
from vision_assets.vision.training.trained_model import TrainedModel


@dataclass(frozen=True)
class Difference:
    """A recorded fact that is another one now."""

    fact: str
    recorded: str
    now: str


@dataclass(frozen=True)
class Reproduction:
    """What came of training again.

    Attributes:
        model_id: of the model that was recorded.
        recorded_sha256: of its weights.
        found_sha256: of the weights that came now.
        differences: facts that decide the weights and are not what they were.
    """

    model_id: str
    recorded_sha256: str
    found_sha256: str
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether the weights are the same bit by bit."""
        return self.recorded_sha256 == self.found_sha256


def reproduce(
    task: Task,
    trained: TrainedModel,
    manifest: pd.DataFrame,
    erased: Collection[str],
    read: ReadBytes,
    scratch: Path,
    on_epoch: OnEpoch = ignore_progress,
    say: Say = say_nothing,
    cache: PixelCache | None = None,
    files: Path | None = None,
) -> Reproduction:
    """Train again from what a model recorded: data, recipe, classes, threads, device.

    Args:
        task: the plug-in.
        trained: what was recorded.
        manifest: of the dataset version that it names.
        erased: images of that version whose bytes are gone.
        read: gives the bytes of images.
        scratch: folder for the model that comes now.
        on_epoch: told after each epoch.
        say: told in words what was decided.
        cache: keeps decoded images.
        files: where relative paths of the recipe begin.

    Raises:
        DatasetError: images that the model was trained on were erased.
        TrainingError: the recipe cannot be trained any more.
    """
    _check_complete(manifest, erased, trained)
    again = fit(
        task,
        manifest,
        read,
        _on_the_same_device(trained.recipe(task), trained.record["environment"]["device"]),
        [ClassSpec.model_validate(entry.model_dump()) for entry in trained.classes],
        scratch,
        trained.dataset,
        on_epoch,
        threads=trained.record["environment"]["threads"],
        say=say,
        cache=cache,
        files=files,
        resume=False,
    )
    return Reproduction(
        trained.model_id,
        trained.record["weights_sha256"],
        again.record["weights_sha256"],
        _differences(_facts(trained.record), _facts(again.record)),
    )


def _check_complete(manifest: pd.DataFrame, erased: Collection[str], trained: TrainedModel) -> None:
    seen = manifest.loc[manifest["split"].isin(["train", "val"]), "image_id"]
    gone = seen[seen.isin(list(erased))]
    if len(gone):
        raise DatasetError(
            f"{len(gone)} images that model {trained.model_id} was trained on were erased from "
            f"the store since {trained.dataset['name']} was made, such as {gone.iloc[0]}; this "
            "model cannot be trained again: train a new one"
        )


def _on_the_same_device(recipe: Recipe, device: str) -> Recipe:
    """The recipe, with the device that `auto` meant where this machine has it."""
    import torch

    there = device != "cuda" or torch.cuda.is_available()
    return recipe.model_copy(update={"device": device if there else "auto"})


def _facts(record: dict[str, Any]) -> dict[str, str]:
    """What decides the weights beside the recipe, as flat text."""
    environment = dict(record["environment"])
    libraries = environment.pop("libraries")
    started = record.get("first_weights", {})
    named = {name: record[name] for name in ("data_fingerprint", "code_version")}
    named |= {f"first weights, {key}": started[key] for key in ("source", "sha256") if started}
    return {name: str(value) for name, value in (named | environment | libraries).items()}


def _differences(recorded: dict[str, str], now: dict[str, str]) -> tuple[Difference, ...]:
    """Facts that were recorded and are others now."""
    return tuple(
        Difference(name, value, now.get(name, ""))
        for name, value in recorded.items()
        if now.get(name) != value
    )
