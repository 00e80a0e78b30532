"""Workers that choose a memory bank and score with it: ours, and anomalib's PatchCore.

Both get the same patches of normal magnetic tiles, described by the same backbone: those of 110
tiles, of which a bank of the default recipe's size is chosen, and those of 50 others to score.
"""

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from benchmarks.epochs import files_of, fill, subject_of
from benchmarks.work import Figures
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.inference.resize import resize
from vision_assets.vision.tasks.anomaly.coreset import RunningCoreset, squared_distances
from vision_assets.vision.tasks.anomaly.memory_bank import MemoryBank
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe
from vision_assets.vision.tasks.classification.network import build
from vision_assets.vision.training.validation import to_images

RECIPE = AnomalyRecipe(method="memory_bank")
BATCH, NORMAL_BATCHES, SCORED_BATCHES = 10, 11, 5


def prepare(_worker: str, folder: Path, _n: int) -> None:
    """Describe the patches, once: a file a batch, (n, rows, columns, d) float32."""
    fill("anomaly", folder)
    (folder / "patches").mkdir(exist_ok=True)
    torch.manual_seed(0)
    bank, side = _bank(), RECIPE.image_size_px
    paths = files_of(subject_of("anomaly", folder))
    for number in range(NORMAL_BATCHES + SCORED_BATCHES):
        chosen = paths[number * BATCH : (number + 1) * BATCH]
        pixels = np.stack([resize(decode(path.read_bytes()), side, side) for path in chosen])
        with torch.no_grad():
            found = bank.patches(to_images(pixels, torch.device("cpu")))
        np.save(_file(folder, number), found.permute(0, 2, 3, 1).contiguous().numpy())


@torch.no_grad()
def ours(folder: Path, _n: int) -> Figures:
    """Patches pass by, batch after batch; the bank scores as the exported model does."""
    bank, meter = _bank(), _Meter()
    coreset = RunningCoreset(RECIPE.bank_size, bank.bank.shape[1])
    for batch in _normal(folder):
        coreset.add(batch.flatten(0, 2))
    bank.fill(coreset.chosen(), torch.ones(bank.bank.shape[1]))
    meter.bank_is_chosen()
    bank.given = True
    for batch in _scored(folder):
        bank(batch.permute(0, 3, 1, 2)).amax((1, 2))
    return meter.figures() | {"radius": _radius(folder, bank.bank)}


@torch.no_grad()
def anomalib(folder: Path, _n: int) -> Figures:
    """All patches in memory; its sampling of the coreset, its nearest neighbours."""
    from anomalib.models.image.patchcore.torch_model import (  # pyright: ignore[reportMissingImports]
        PatchcoreModel,
    )

    model = PatchcoreModel(("layer1",), backbone="resnet18", pre_trained=False)
    meter = _Meter()
    model.embedding_store.extend(batch.flatten(0, 2) for batch in _normal(folder))
    n_patches = sum(map(len, model.embedding_store))
    model.subsample_embedding((RECIPE.bank_size + 0.5) / n_patches)
    meter.bank_is_chosen()
    for batch in _scored(folder):
        away, _ = model.nearest_neighbors(batch.flatten(0, 2), RECIPE.neighbours)
        away.mean(1).unflatten(0, batch.shape[:3]).amax((1, 2))
    return meter.figures() | {"radius": _radius(folder, model.memory_bank)}


class _GivenPatches(MemoryBank):
    """A memory bank that may be shown patches, (n, d, h, w), instead of images."""

    given = False

    def patches(self, images: torch.Tensor) -> torch.Tensor:
        return images if self.given else super().patches(images)


def _bank() -> _GivenPatches:
    """An empty one, with the backbone of the default recipe and its first weights."""
    side = RECIPE.image_size_px
    backbone = build(RECIPE.backbone, 1, side)
    return _GivenPatches(backbone, side, RECIPE.bank_size, RECIPE.neighbours).eval()


class _Meter:
    """Seconds of both halves, and by how much the peak of memory grew."""

    def __init__(self) -> None:
        self._peak_mb, self._began = _peak_mb(), time.perf_counter()

    def bank_is_chosen(self) -> None:
        self._chosen = time.perf_counter()

    def figures(self) -> Figures:
        """Once everything is scored."""
        ended = time.perf_counter()
        return {
            "bank_s": self._chosen - self._began,
            "images_per_s": SCORED_BATCHES * BATCH / (ended - self._chosen),
            "added_mb": _peak_mb() - self._peak_mb,
        }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _radius(folder: Path, bank: torch.Tensor) -> float:
    """The largest distance of a normal patch to the bank; not measured."""
    farthest = [
        float(squared_distances(batch.flatten(0, 2), bank).amin(1).max())
        for batch in _normal(folder)
    ]
    return max(farthest) ** 0.5


def _normal(folder: Path) -> Iterator[torch.Tensor]:
    return _batches(folder, range(NORMAL_BATCHES))


def _scored(folder: Path) -> Iterator[torch.Tensor]:
    return _batches(folder, range(NORMAL_BATCHES, NORMAL_BATCHES + SCORED_BATCHES))


def _batches(folder: Path, numbers: range) -> Iterator[torch.Tensor]:
    return (torch.from_numpy(np.load(_file(folder, number))) for number in numbers)


def _file(folder: Path, number: int) -> Path:
    return folder / "patches" / f"{number:03d}.npy"
