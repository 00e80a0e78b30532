"""One training: a dataset version and a recipe in, a trained model out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from vision_assets.vision.cores import available_cores
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import ClassSpec, Recipe
from vision_assets.vision.tasks.task import Samples, Task
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.device import choose_device, repeatable
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixel_file import Pixels
from vision_assets.vision.training.pixels import ReadBytes, decoded
from vision_assets.vision.training.progress import OnEpoch, Say, ignore_progress, say_nothing
from vision_assets.vision.training.provenance import code_version, data_fingerprint, environment
from vision_assets.vision.training.trained_model import TrainedModel, write_trained_model
from vision_assets.vision.training.views import view_keys, with_views


def fit(
    task: Task,
    manifest: pd.DataFrame,
    read: ReadBytes,
    recipe: Recipe,
    classes: Sequence[ClassSpec],
    root: Path,
    dataset: Mapping[str, str],
    on_epoch: OnEpoch = ignore_progress,
    threads: int | None = None,
    say: Say = say_nothing,
    cache: PixelCache | None = None,
    files: Path | None = None,
    resume: bool = True,
) -> TrainedModel:
    """Train a network on the train split, watching the val split; the test split is not read.

    The same arguments give the same weights, bit by bit, on the CPU of the same machine; also
    when the process is killed on the way and the training goes on in another one.

    Args:
        task: the plug-in.
        manifest: rows of a dataset version; those of other splits are left alone.
        read: gives the bytes of images.
        recipe: of the task's own recipe type.
        classes: in the order that the scores shall have.
        root: folder of the use case's models; `root/<model_id>/` is written.
        dataset: `name` and `fingerprint` of the dataset version.
        on_epoch: told after each epoch; of a training that goes on, at once of those before.
        threads: cores to use; default: all that this process may use.
        say: told in words what was decided: the first weights, remarks on the targets, where a
            training goes on.
        cache: keeps decoded images for the next training; default: none are kept.
        files: where relative paths of the recipe begin; default: the working directory.
        resume: keep the state after each epoch, and go on from one that is there.

    Raises:
        TrainingError: the recipe cannot be trained on this dataset.
        DatasetError: an image of the manifest is missing in the store.
    """
    device = choose_device(recipe.device)
    threads = threads or available_cores()
    named = card_classes(classes)
    rows, n_train = _train_then_val(manifest)
    size = recipe.input_size()
    views, n_train = with_views(rows, size), len(with_views(rows[:n_train], size))
    targets = task.targets(views, named)
    root.mkdir(parents=True, exist_ok=True)
    with repeatable(recipe.seed, device, threads):
        network = task.network(recipe, len(named))
        first = task.begin(network, recipe, len(named), files or Path())
        for line in (first.line(), *getattr(targets, "remarks", ())):
            say(line)
        decisive = _question(task, recipe, named, rows) | {
            "environment": environment(str(device), threads),
            "first_weights": first.to_json(),
        }
        checkpoint = Checkpoint.of(root, decisive) if resume else Checkpoint()
        sides = (size.height_px, size.width_px)
        with decoded(view_keys(views), read, *sides, root, cache, threads=threads) as pixels:
            train, val = _samples(pixels, targets, n_train)
            if n_done := checkpoint.n_epochs():
                say(f"resumed after epoch {n_done} of {recipe.epochs}")
            network.to(device)
            history = task.learn(network, train, val, recipe, device, on_epoch, checkpoint)
            calibration = task.calibrate(network, val, recipe, device)
    record = decisive | {
        "dataset": dict(dataset),
        "history": [report.to_json() for report in history],
        "calibration": calibration,
    }
    trained = write_trained_model(root, network.cpu(), record)
    checkpoint.remove()
    return trained


def card_classes(classes: Sequence[ClassSpec]) -> tuple[CardClass, ...]:
    """Classes as models and bundles name them, with the default of `defect` worked out."""
    return tuple(
        CardClass(id=entry.id, name=entry.name, defect=entry.is_defect) for entry in classes
    )


def _train_then_val(manifest: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Rows of both splits, in an order of their own, and how many are of train."""
    train, val = (
        manifest.loc[manifest["split"] == split].sort_values("image_id")
        for split in ("train", "val")
    )
    if train.empty:
        raise TrainingError(
            "expected labelled images in the train split, got none; label images, or look at "
            "why they are held out"
        )
    return pd.concat([train, val], ignore_index=True), len(train)


def _question(
    task: Task, recipe: Recipe, classes: Sequence[CardClass], rows: pd.DataFrame
) -> dict[str, Any]:
    """What a training is asked for; with the machine and the first weights it decides the model."""
    return {
        "task": task.name,
        "recipe": recipe.model_dump(mode="json"),
        "classes": [entry.model_dump() for entry in classes],
        "data_fingerprint": data_fingerprint(rows),
        "code_version": code_version(),
    }


def _samples(pixels: Pixels, targets: Any, n_train: int) -> tuple[Samples, Samples]:
    """Those of train and those of val."""
    return (
        Samples(pixels.part(0, n_train), targets[:n_train]),
        Samples(pixels.part(n_train, len(pixels)), targets[n_train:]),
    )
