"""What INT8 loses and brings, of every task: `python -m benchmarks.int8 [TASK ...]`.

One short training of each on drawn pictures, on one thread: what quantising loses is asked, not
how good a task can be. Writes one row of a table after the other.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.quality.data import Data
from benchmarks.quality.training import filled_store
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.int8 import Int8Trial
from vision_assets.vision.samples.write import PATTERN, write_samples
from vision_assets.vision.shipment import Shipment, make_shipment
from vision_assets.vision.spec import ExportSpec
from vision_assets.vision.tasks.anomaly.spec import AnomalySpec
from vision_assets.vision.tasks.classification.spec import ClassificationSpec
from vision_assets.vision.tasks.detection.spec import DetectionSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.tasks.segmentation.spec import SegmentationSpec
from vision_assets.vision.training.fit import fit
from vision_assets.vision.use_case import UseCase

PICTURES = 1200
COLUMNS = (
    *("task", "fp32", "INT8", "interval", "escapes", "overkill", "other answers"),
    *("times as fast", "size", "ships"),
)
_LABELS = {"label": "pattern", "pattern": PATTERN, "ignore": ["*.json"]}
_OBJECTS = {"label": "coco", "pattern": PATTERN.replace("(?P<label>", "(?:")}
_HALF_TEST = {"train": 0.4, "val": 0.2, "test": 0.4}
_NORMAL = {"train": 0.4, "val": 0.35, "test": 0.25}

CASES = {
    "classification": (
        Data("classification", ClassificationSpec, "", _LABELS, _HALF_TEST),
        {"image_size_px": 96, "epochs": 20},
    ),
    "detection": (
        Data("detection", DetectionSpec, "", _OBJECTS, _HALF_TEST),
        {"image_size_px": 128, "epochs": 15},
    ),
    "segmentation": (
        Data("segmentation", SegmentationSpec, "", _OBJECTS, _HALF_TEST),
        {"image_size_px": 128, "epochs": 12},
    ),
    "anomaly": (
        Data("anomaly", AnomalySpec, "", _LABELS, _NORMAL),
        {"image_size_px": 128, "epochs": 20},
    ),
}
"""By task: the use case, and what its recipe says."""


def main() -> None:
    """Measure the rows that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"of {', '.join(CASES)}; default: all")
    rows = parser.parse_args().rows or list(CASES)
    unknown = sorted(set(rows) - set(CASES))
    if unknown:
        parser.error(f"no row {unknown}; there are: {', '.join(CASES)}")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as work:
        draw(Path(work, "pictures"))
        for row in rows:
            shipped = ship(row, Path(work, "pictures"), Path(work))
            assert shipped.integers is not None
            print(_line(row, shipped.integers.trial), flush=True)


def draw(folder: Path) -> None:
    """The pictures that all rows have in common, nothing wrong with them."""
    write_samples(
        folder,
        PICTURES,
        broken=0,
        duplicates=0,
        near_duplicates=0,
        conflicts=0,
        wrong_annotations=0,
        format="coco",
    )


def ship(row: str, pictures: Path, work: Path) -> Shipment:
    """Train, and make both bundles."""
    data, recipe = CASES[row]
    spec = data.spec(pictures, recipe, seed=0)
    spec = spec.model_copy(update={"export": ExportSpec(int8=True)})
    folder, task = work / row, load_task(data.task)
    store = filled_store(folder, spec)
    version = DatasetVersions(folder / "datasets").create(store, spec)
    trained = fit(
        task,
        version.manifest(),
        store.read,
        spec.recipe,
        version.classes,
        folder / "models",
        dataset={"name": version.name, "fingerprint": version.fingerprint},
        on_epoch=lambda report: print(row, report.line(), file=sys.stderr, flush=True),
        threads=1,
    )
    case = UseCase("pictures", data.task, spec)
    return make_shipment(task, trained, version.manifest(), store.read, folder / "bundles", case)


def _line(row: str, trial: Int8Trial) -> str:
    (was, now), (low, high) = trial.correct, trial.difference
    ships = "INT8" if trial.passed else "fp32"
    return (
        f"| {row} | {was:.4f} | {now:.4f} | {low:+.4f} to {high:+.4f} "
        f"| {_both(trial.escapes)} | {_both(trial.overkill)} | {trial.flips} of {trial.n} "
        f"| {trial.speed_up:.2f} | {trial.bytes[1] / trial.bytes[0]:.0%} | {ships} |"
    )


def _both(rates: tuple[float, float]) -> str:
    return f"{rates[0]:.4f}, {rates[1]:.4f}"


if __name__ == "__main__":
    main()
