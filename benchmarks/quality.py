"""Accuracy of the default recipe on neu-steel, through the project's own store and splits.

    VISION_ASSETS_TEST_DATA=../shared/data python -m benchmarks.quality

Stratified test split of 20 % (seed 0), exact and near duplicates out of it; the mean and the
minimum over three seeds of the training, judged as it would serve: bundle, bytes, answers.
"""

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.pictures import DATA_VARIABLE
from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.export import export
from vision_assets.vision.spec import SourceSpec, SplitSpec
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.tasks.classification.spec import ClassificationRecipe, ClassificationSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.training.progress import EpochReport

PATTERN = r"(?P<label>.+)_\d+\.jpg"


@dataclass(frozen=True)
class Result:
    """One training, judged."""

    seed: int
    accuracy: float
    macro_f1: float
    train_s: float
    images_per_s: float


def main() -> None:
    """Train, judge, print a table in Markdown."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as folder:
        store, version = _dataset(Path(folder), arguments)
        results = [
            _train(Path(folder), store, version, _recipe(arguments, seed), arguments.threads)
            for seed in arguments.seeds
        ]
        print(_table(results, version, _recipe(arguments, arguments.seeds[0])))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Accuracy of the default recipe on neu-steel.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--threads", type=int, help="default: all cores of this process")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="of the recipe"
    )
    parser.add_argument("--val", type=float, default=0.2, help="share of the val split")
    return parser.parse_args()


def _recipe(arguments: argparse.Namespace, seed: int) -> ClassificationRecipe:
    said: dict[str, Any] = dict(entry.split("=", 1) for entry in arguments.set)
    if arguments.epochs:
        said["epochs"] = arguments.epochs
    return ClassificationRecipe.model_validate(said | {"seed": seed, "device": arguments.device})


def _dataset(root: Path, arguments: argparse.Namespace) -> tuple[ImageStore, DatasetVersion]:
    """Ingest neu-steel and make a dataset version of it."""
    named = os.environ.get(DATA_VARIABLE)
    if not named:
        sys.exit(f"set {DATA_VARIABLE} to the folder that holds neu-steel/")
    source = SourceSpec(
        landing=str(Path(named, "neu-steel/images").absolute()),
        label="pattern",
        pattern=PATTERN,
        settle_s=0,
    )
    splits = SplitSpec(train=0.8 - arguments.val, val=arguments.val, test=0.2, seed=0)
    spec = ClassificationSpec(source=source, splits=splits)
    store, landing = ImageStore.open(root / "store"), Path(source.landing)
    for batch in sweep(landing, store, source, root / "batches"):
        ingest(store, batch, landing, spec)
    return store, DatasetVersions(root / "datasets").create(store, spec)


def _train(
    root: Path,
    store: ImageStore,
    version: DatasetVersion,
    recipe: ClassificationRecipe,
    threads: int | None,
) -> Result:
    task, manifest = load_task("classification"), version.manifest()
    trained = fit(
        task,
        manifest,
        store.read,
        recipe,
        version.classes,
        root / "models",
        dataset={"name": version.name, "fingerprint": version.fingerprint},
        on_epoch=_show,
        threads=threads,
    )
    bundle = export(task, trained, root / "bundles", "neu_steel")
    scorecard = evaluate(task, bundle, manifest[manifest["split"] == "test"], store.read)
    history = trained.history
    result = Result(
        seed=recipe.seed,
        accuracy=scorecard.metrics["accuracy"],
        macro_f1=scorecard.metrics["macro_f1"],
        train_s=history[-1].seconds,
        images_per_s=sum(report.images_per_s for report in history) / len(history),
    )
    print(result, file=sys.stderr)
    return result


def _show(report: EpochReport) -> None:
    print(report.line(), file=sys.stderr, flush=True)


def _table(results: list[Result], version: DatasetVersion, recipe: ClassificationRecipe) -> str:
    splits = version.manifest()["split"].value_counts()
    sizes = ", ".join(f"{name} {n}" for name, n in splits.items())
    accuracies = [result.accuracy for result in results]
    lines = [
        f"{recipe.network}, {recipe.epochs} epochs, {recipe.image_size_px} px, {sizes}",
        "",
        "| seed | test accuracy | macro F1 | training, s | images/s |",
        "|---|---|---|---|---|",
        *(
            f"| {result.seed} | {result.accuracy:.4f} | {result.macro_f1:.4f} "
            f"| {result.train_s:.0f} | {result.images_per_s:.0f} |"
            for result in results
        ),
        f"| mean | {sum(accuracies) / len(accuracies):.4f} | | | |",
        f"| minimum | {min(accuracies):.4f} | | | |",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
