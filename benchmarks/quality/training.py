"""One training through the project's own store, splits, recipe and bundle, judged as it serves."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.data import DATA
from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.export import export
from vision_assets.vision.spec import PipelineSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.progress import EpochReport


@dataclass(frozen=True)
class Result:
    """One training, judged.

    Attributes:
        seed: of the training.
        scorecard: of the bundle on the test split.
        splits: images of each split.
        train_s: from bytes to weights: decoding, epochs, calibration.
    """

    seed: int
    scorecard: Scorecard
    splits: Mapping[str, int]
    train_s: float


class Trainings:
    """Trainings that rows have in common are made once.

    Args:
        images: folder of the real data.
        work: folder for stores, models and bundles.
        recipe: fields that are not to have their default.
        threads: of a training; None: all cores.
    """

    def __init__(
        self, images: Path, work: Path, recipe: Mapping[str, Any], threads: int | None
    ) -> None:
        self._images, self._work, self._recipe, self._threads = images, work, recipe, threads
        self._done: dict[tuple[str, int], Result] = {}

    def result(self, data: str, seed: int) -> Result:
        """The training of a use case with a seed."""
        if (data, seed) not in self._done:
            self._done[data, seed] = self._train(data, seed)
        return self._done[data, seed]

    def _train(self, data: str, seed: int) -> Result:
        spec = DATA[data].spec(self._images, self._recipe, seed)
        folder = self._work / data / str(seed)
        store = filled_store(self._work / data, spec)
        version = DatasetVersions(folder / "datasets").create(store, spec)
        return _judged(DATA[data].task, store, version, spec, folder, self._threads)


def filled_store(folder: Path, spec: PipelineSpec) -> ImageStore:
    """The store of all images that the source has; what was taken is not taken again."""
    store, landing = ImageStore.open(folder / "store"), Path(spec.source.landing)
    for _ in ingest_all(
        store, sweep(landing, store, spec.source, folder / "batches"), landing, spec
    ):
        pass
    return store


def _judged(
    name: str,
    store: ImageStore,
    version: DatasetVersion,
    spec: PipelineSpec,
    folder: Path,
    threads: int | None,
) -> Result:
    task, manifest = load_task(name), version.manifest()
    began = time.perf_counter()
    trained = fit(
        task,
        manifest,
        store.read,
        spec.recipe,
        version.classes,
        folder / "models",
        dataset={"name": version.name, "fingerprint": version.fingerprint},
        on_epoch=_show,
        threads=threads,
        say=_say,
    )
    train_s = time.perf_counter() - began
    val, test = (manifest[manifest["split"] == split] for split in ("val", "test"))
    plain = export(task, trained, folder / "plain", name)
    bundle = with_thresholds(task, plain, val, store.read, spec, folder / "bundles")
    scorecard = evaluate(task, bundle, test, store.read)
    splits = {str(split): int(n) for split, n in manifest["split"].value_counts().items()}
    _say(f"{train_s:.0f} s; {scorecard.metrics}")
    return Result(spec.recipe.seed, scorecard, splits, train_s)


def _show(report: EpochReport) -> None:
    _say(report.line())


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
