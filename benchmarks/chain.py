"""Workers that measure the whole graph: through Dagster, and without it.

What a step needs is imported while the clock runs, as Dagster's steps do.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.work import Figures

if TYPE_CHECKING:
    import pandas as pd

    from vision_assets.home import Home
    from vision_assets.vision.inference.bundle import Bundle
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.use_case import UseCase

IMAGES = 300
CHECKED = 32
NAME = "parts"


def prepare(_worker: str, folder: Path, _n: int) -> None:
    """Draw the images."""
    _images(folder)


def through_dagster(folder: Path, _n: int) -> Figures:
    """The whole graph through Dagster, in a fresh home."""
    from vision_assets.execution import run_graph

    _project(folder)
    began = time.perf_counter()
    if not run_graph(NAME):
        sys.exit("the run failed")
    return {"seconds": time.perf_counter() - began}


def directly(folder: Path, _n: int) -> Figures:
    """The same functions one after the other, without Dagster and MLflow."""
    home = _project(folder)
    began = time.perf_counter()
    _call_directly(home)
    return {"seconds": time.perf_counter() - began}


def _images(folder: Path) -> Path:
    from vision_assets.vision.samples.write import write_samples

    landing = folder / "chain-images"
    if not landing.exists():
        write_samples(landing, IMAGES, 0)
    return landing


def _project(folder: Path) -> "Home":
    """A fresh home and the YAML of one use case."""
    from vision_assets.home import HOME_VARIABLE, Home
    from vision_assets.project import DEFS_VARIABLE
    from vision_assets.vision.samples.write import PATTERN

    shutil.rmtree(folder / "home", ignore_errors=True)
    yaml = folder / "defs" / NAME / "defs.yaml"
    yaml.parent.mkdir(parents=True, exist_ok=True)
    attributes = {
        "source": {
            "landing": str(_images(folder)),
            "label": "pattern",
            "pattern": PATTERN,
            "settle_s": 0,
        },
        "recipe": {"epochs": 1},
        "gates": [{"metric": "accuracy", "min": 0}],
    }
    document = {"type": "vision_assets.ClassificationPipeline", "attributes": attributes}
    yaml.write_text(json.dumps(document))
    os.environ |= {HOME_VARIABLE: str(folder / "home"), DEFS_VARIABLE: str(folder / "defs")}
    return Home.from_environment()


def _call_directly(home: "Home") -> None:
    from vision_assets.project import use_case
    from vision_assets.vision.store.image_store import ImageStore

    case, store = use_case(NAME), ImageStore.open(home.store(NAME))
    _ingest(home, case, store)
    bundle, predictions = _judged_bundle(home, case, store)
    _deploy(home, case, store, bundle, predictions)


def _ingest(home: "Home", case: "UseCase", store: "ImageStore") -> None:
    from vision_assets.vision.store.ingest import ingest
    from vision_assets.vision.store.landing import sweep

    landing = home.landing(case.spec.source.landing)
    for batch in sweep(landing, store, case.spec.source, home.batches(NAME)):
        ingest(store, batch, landing, case.spec)


def _judged_bundle(
    home: "Home", case: "UseCase", store: "ImageStore"
) -> "tuple[Bundle, pd.DataFrame]":
    """The bundle that ships, and what it predicted for each test image."""
    from vision_assets.quality.validation import validate
    from vision_assets.vision.dataset.versions import DatasetVersions
    from vision_assets.vision.evaluation.appraisal import appraise
    from vision_assets.vision.shipment import make_shipment
    from vision_assets.vision.tasks.registry import load_task
    from vision_assets.vision.training.fit import fit
    from vision_assets.vision.training.pixel_cache import PixelCache

    task, spec, read = load_task(case.task), case.spec, store.read
    versions = DatasetVersions(home.datasets(NAME))
    version = versions.create(store, spec)
    manifest = version.manifest()
    version.record_validation(validate(manifest, spec, version.classes))
    dataset = {"name": version.name, "fingerprint": version.fingerprint}
    models, cache = home.models(NAME), PixelCache(home.pixel_cache)
    trained = fit(task, manifest, read, spec.recipe, version.classes, models, dataset, cache=cache)
    bundle = make_shipment(task, trained, manifest, read, home.bundles(NAME), case).bundle
    reports = home.reports(NAME)
    appraisal = appraise(task, trained, bundle, None, versions, read, reports, spec)
    return bundle, appraisal.evidence.scorecard.predictions


def _deploy(
    home: "Home",
    case: "UseCase",
    store: "ImageStore",
    bundle: "Bundle",
    predictions: "pd.DataFrame",
) -> None:
    """Build the Bento, ask it over HTTP, and deploy it."""
    from vision_assets.serving.bento import build_bento
    from vision_assets.serving.check import check_bento
    from vision_assets.serving.deployments import Deployments

    built = build_bento(home, case, bundle.folder)
    chosen = predictions[:CHECKED].to_dict("records")
    asked = {row["image_id"]: json.loads(row["answer"]) for row in chosen}
    expected = [(name, data, asked[name]) for name, data in store.read(list(asked))]
    if not check_bento(home, built, expected).passed:
        sys.exit("the Bento answers otherwise than its bundle")
    deployments = Deployments(home.deployments(NAME))
    deployments.deploy(bundle.bundle_id, bundle.folder, built.tag, "benchmark", "benchmark")
