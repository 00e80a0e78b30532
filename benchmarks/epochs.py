"""Workers that measure a training epoch of each task with objects, and of normal images.

Real images through the project's store; default recipe, few images. Beside: torchvision decodes
and resizes in a Dataset, a DataLoader with two processes makes the batches; network, augmentation,
loss and steps are the same.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler, Sampler, WeightedRandomSampler

from benchmarks.pictures import real_images
from benchmarks.plain_training import Batch, plain_training
from benchmarks.quality.data import DATA
from benchmarks.quality.training import filled_store
from benchmarks.work import Figures
from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions
from vision_assets.vision.spec import PipelineSpec, Recipe
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.task import Samples, Task
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.fit import card_classes
from vision_assets.vision.training.objective import Objective
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixels import decoded
from vision_assets.vision.training.progress import ignore_progress

N_TRAIN, N_VAL, N_EPOCHS, N_PROCESSES = 160, 8, 3, 2
TASKS = {"detection": "smears", "segmentation": "tile_masks", "anomaly": "normal_tiles"}
"""Use case, of `benchmarks.quality.data`, by task."""
Opened = tuple[Objective, Any]


@dataclass(frozen=True)
class Subject:
    """What both sides train: a few images of train, then some of val."""

    task: Task
    spec: PipelineSpec
    rows: pd.DataFrame
    store: ImageStore
    version: DatasetVersion

    @property
    def recipe(self) -> Recipe:
        return self.spec.recipe

    @property
    def n_train(self) -> int:
        return int((self.rows["split"] == "train").sum())

    @property
    def targets(self) -> Any:
        return self.task.targets(self.rows, card_classes(self.version.classes))

    def network(self) -> Any:
        torch.manual_seed(0)
        return self.task.network(self.recipe, len(self.version.classes))


def prepare(worker: str, folder: Path, _n: int) -> None:
    """Fill the store and make the version, once."""
    fill(worker.removesuffix("_loader"), folder)


def fill(task: str, folder: Path) -> None:
    """The store and the version of a task's use case, once."""
    if not _home(folder, task).exists():
        spec = _spec(task)
        store = filled_store(_home(folder, task), spec)
        DatasetVersions(_home(folder, task) / "datasets").create(store, spec)


def _home(folder: Path, task: str) -> Path:
    return folder / "epochs" / task


def _spec(task: str) -> PipelineSpec:
    return DATA[TASKS[task]].spec(real_images(), {"epochs": N_EPOCHS}, 0)


def subject_of(task: str, folder: Path) -> Subject:
    """Of the use case of a task, whose store was filled."""
    home, spec = _home(folder, task), _spec(task)
    version = DatasetVersions(home / "datasets").get()
    rows = version.manifest()
    of_splits = [rows[rows["split"] == split] for split in ("train", "val")]
    return Subject(
        task=load_task(task),
        spec=spec,
        rows=pd.concat([of_splits[0][:N_TRAIN], of_splits[1][:N_VAL]], ignore_index=True),
        store=ImageStore.open(home / "store"),
        version=version,
    )


def files_of(subject: Subject) -> list[Path]:
    """The pictures of the rows, as they landed."""
    landing = Path(subject.spec.source.landing)
    return [landing / path for path in subject.rows["source"]]


def _ours(task: str, folder: Path, _n: int) -> Figures:
    """Epochs of ours, once the images are decoded."""
    subject = subject_of(task, folder)
    side, targets, n = subject.recipe.image_size_px, subject.targets, subject.n_train
    ids, cache = subject.rows["image_id"].tolist(), PixelCache(folder / "cache")
    with decoded(ids, subject.store.read, side, side, folder, cache) as pixels:
        history = subject.task.learn(
            subject.network(),
            Samples(pixels.part(0, n), targets[:n]),
            Samples(pixels.part(n, len(pixels)), targets[n:]),
            subject.recipe,
            torch.device("cpu"),
            ignore_progress,
            Checkpoint(),
        )
    rates = [report.images_per_s for report in history]
    return {"images_per_s": max(rates[1:]), "first_images_per_s": rates[0]}


def _loader(task: str, folder: Path, _n: int) -> Figures:
    """The same epochs with torchvision's decoder and torch's DataLoader."""
    subject = subject_of(task, folder)
    with OBJECTIVES[task](subject.recipe, subject.targets[: subject.n_train]) as (aim, targets):
        data = _Files(subject)
        loader = DataLoader(
            data,
            subject.recipe.batch_size,
            sampler=_sampler(aim, data),
            num_workers=N_PROCESSES,
            persistent_workers=True,
        )
        batches = partial(_batches, loader, targets)
        return plain_training(subject.network(), aim, subject.recipe, len(data), batches)


detection, detection_loader = partial(_ours, "detection"), partial(_loader, "detection")
segmentation, segmentation_loader = partial(_ours, "segmentation"), partial(_loader, "segmentation")
anomaly, anomaly_loader = partial(_ours, "anomaly"), partial(_loader, "anomaly")


class _Files(Dataset[tuple[torch.Tensor, int]]):
    """Pictures of the train split as files, and their positions."""

    def __init__(self, subject: Subject) -> None:
        from torchvision.transforms import v2

        side = subject.recipe.image_size_px
        self._paths = files_of(subject)[: subject.n_train]
        self._resize = v2.Resize((side, side), antialias=True)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, position: int) -> tuple[torch.Tensor, int]:
        from torchvision.io import ImageReadMode, decode_image

        pixels = decode_image(str(self._paths[position]), mode=ImageReadMode.RGB)
        return self._resize(pixels), position


def _sampler(aim: Objective, data: _Files) -> Sampler[int]:
    if aim.chances is None:
        return RandomSampler(data)
    return WeightedRandomSampler(aim.chances.tolist(), len(data))


def _batches(loader: Iterable[tuple[torch.Tensor, torch.Tensor]], targets: Any) -> Iterator[Batch]:
    for images, positions in loader:
        chosen = targets[positions.numpy()]
        yield images.float().contiguous(memory_format=torch.channels_last), chosen


@contextmanager
def _detection(recipe: Any, targets: Any) -> Iterator[Opened]:
    from vision_assets.vision.tasks.detection.objective import objective

    yield objective(recipe, targets), targets


@contextmanager
def _segmentation(recipe: Any, targets: Any) -> Iterator[Opened]:
    from vision_assets.vision.tasks.segmentation.objective import objective
    from vision_assets.vision.tasks.segmentation.targets import rasterised

    with rasterised(targets, recipe.image_size_px, recipe.image_size_px) as maps:
        yield objective(recipe, maps.counts), maps


@contextmanager
def _anomaly(recipe: Any, targets: Any) -> Iterator[Opened]:
    from vision_assets.vision.tasks.anomaly.objective import objective

    yield objective(recipe), targets


OBJECTIVES = {"detection": _detection, "segmentation": _segmentation, "anomaly": _anomaly}
"""What is minimised, and targets that are indexed by positions; open while the block runs."""
