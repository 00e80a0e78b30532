"""Workers that measure training: its memory, and an epoch beside what one would write instead."""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks.pictures import drawn, real_images
from benchmarks.plain_training import Batch, plain_training
from benchmarks.work import Figures
from vision_assets.vision.cores import available_cores
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.classification.network import build
from vision_assets.vision.tasks.classification.objective import objective
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.task import Samples
from vision_assets.vision.training.checkpoint import Checkpoint
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.gradient_descent import descend
from vision_assets.vision.training.pixel_cache import PixelCache
from vision_assets.vision.training.pixels import decoded
from vision_assets.vision.training.progress import ignore_progress
from vision_assets.vision.training.validation import to_images

N_CLASSES = 6
N_EPOCHS = 3
RECIPE = ClassificationRecipe(epochs=N_EPOCHS)
SMALL = ClassificationRecipe(epochs=1, image_size_px=32, batch_size=64, augment="light")
NOTHING = Samples(np.empty((0, 8, 8, 3), np.uint8), torch.empty(0, dtype=torch.int64))
CPU = torch.device("cpu")


def prepare(worker: str, folder: Path, n: int) -> None:
    """Draw or link the images."""
    if worker == "drawn_images":
        drawn(folder, 0, n)
    else:
        _by_class(folder)


def drawn_images(folder: Path, n: int) -> Figures:
    """One epoch on n small images, from their bytes to the model's folder, with no cache before."""
    import pandas as pd

    paths = {path.name: path for path in sorted(drawn(folder, 0, n).iterdir())}
    labels = [name.split("_")[0] for name in paths]
    manifest = pd.DataFrame(
        {
            "image_id": list(paths),
            "class_id": [("good", "bad").index(label) for label in labels],
            "label": labels,
            "split": "train",
        }
    )

    def read(ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        return ((each, paths[each].read_bytes()) for each in ids)

    shutil.rmtree(folder / "cache", ignore_errors=True)
    began = time.perf_counter()
    fit(
        load_task("classification"),
        manifest,
        read,
        SMALL,
        [ClassSpec(id=0, name="good"), ClassSpec(id=1, name="bad")],
        folder / "models",
        {"name": "v1", "fingerprint": "0"},
        cache=PixelCache(folder / "cache"),
    )
    return {"seconds": time.perf_counter() - began}


def epoch(folder: Path, _n: int) -> Figures:
    """An epoch of ours, once the images are decoded; and what decoding took before."""
    paths, targets = _listed(_by_class(folder))
    shutil.rmtree(folder / "cache", ignore_errors=True)
    checkpoint = Checkpoint.of(folder, "benchmark")
    checkpoint.remove()
    began = time.perf_counter()

    def read(ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        return ((each, Path(each).read_bytes()) for each in ids)

    side, cache = RECIPE.image_size_px, PixelCache(folder / "cache")
    with decoded(paths, read, side, side, folder, cache, threads=available_cores()) as pixels:
        cold = time.perf_counter() - began
        history = descend(
            build(RECIPE.network, N_CLASSES, side),
            objective(RECIPE, targets),
            Samples(pixels, targets),
            NOTHING,
            RECIPE,
            CPU,
            ignore_progress,
            checkpoint,
        )
    rates = [report.images_per_s for report in history]
    return {"images_per_s": max(rates[1:]), "decoding_s": cold, "first_images_per_s": rates[0]}


def epoch_in_memory(folder: Path, _n: int) -> Figures:
    """The same steps and augmentations, written plainly, on a tensor that holds all images."""
    paths, targets = _listed(_by_class(folder))
    from vision_assets.vision.inference.decode import decode
    from vision_assets.vision.inference.resize import resize

    side = RECIPE.image_size_px
    pixels = np.stack([resize(decode(Path(p).read_bytes()), side, side) for p in paths])

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for chosen in torch.randperm(len(targets)).split(RECIPE.batch_size):
            yield to_images(pixels[chosen.numpy()], CPU), targets[chosen]

    return _plainly(batches, targets)


def epoch_image_folder(folder: Path, n: int) -> Figures:
    """The same steps and augmentations on torchvision's ImageFolder, with n processes that load."""
    from torch.utils.data import DataLoader
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    side = RECIPE.image_size_px
    transform = v2.Compose([v2.PILToTensor(), v2.Resize((side, side), antialias=True)])
    data = ImageFolder(_by_class(folder), transform)
    loader = DataLoader(
        data,
        RECIPE.batch_size,
        shuffle=True,
        num_workers=n,
        persistent_workers=n > 0,
    )

    def batches() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for images, targets in loader:
            yield images.float().contiguous(memory_format=torch.channels_last), targets

    return _plainly(batches, torch.tensor(data.targets))


def _by_class(folder: Path) -> Path:
    """A third of neu-steel in one folder a class, as ImageFolder wants it."""
    classes, data = folder / "classes", real_images()
    for path in sorted(data.glob("neu-steel/images/*.jpg"))[::3]:
        link = classes / path.stem.rpartition("_")[0] / path.name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(path.absolute())
    return classes


def _plainly(batches: Callable[[], Iterable[Batch]], targets: torch.Tensor) -> Figures:
    torch.manual_seed(0)
    network = build(RECIPE.network, N_CLASSES, RECIPE.image_size_px)
    return plain_training(network, objective(RECIPE, targets), RECIPE, len(targets), batches)


def _listed(classes: Path) -> tuple[list[str], torch.Tensor]:
    """All files, and the index of each one's folder."""
    folders = sorted(classes.iterdir())
    found = [(str(path), n) for n, each in enumerate(folders) for path in sorted(each.iterdir())]
    return [path for path, _ in found], torch.tensor([n for _, n in found])
