"""Workers that measure what happens to images on their way into a store and a dataset version."""

import shutil
import time
from pathlib import Path

from benchmarks.pictures import drawn, real_files
from benchmarks.work import Figures
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest_all
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.tasks.classification.spec import ClassificationSpec

MORE = 1000


def prepare(worker: str, folder: Path, n: int) -> None:
    """Draw the images, and fill the store that more are added to."""
    if worker == "real":
        real_files(folder)
    if worker == "into_empty":
        drawn(folder, 0, n)
    if worker in ("into_store", "version") and not (folder / f"store-{n}").exists():
        _ingest(folder / f"store-{n}", drawn(folder, 0, n))
        drawn(folder, n, MORE)


def real(folder: Path, _n: int) -> Figures:
    """Everything that an ingest does, on the real files."""
    landing = real_files(folder)
    return {"images_per_s": len(list(landing.iterdir())) / _ingest(folder / "fresh", landing)}


def into_empty(folder: Path, n: int) -> Figures:
    """Ingest of n small images into an empty store."""
    return {"seconds": _ingest(folder / "fresh", drawn(folder, 0, n))}


def into_store(folder: Path, n: int) -> Figures:
    """Ingest of 1,000 images into a store of n."""
    store = _copy_of_store(folder, n)
    return {"seconds": _ingest(store, drawn(folder, n, MORE), keep=True)}


def version(folder: Path, n: int) -> Figures:
    """A new version after 1,000 more images in a store of n, with its expectations."""
    from vision_assets.quality.validation import validate
    from vision_assets.vision.dataset.versions import DatasetVersions

    store_folder, spec = _copy_of_store(folder, n), _spec("")
    versions, store = DatasetVersions(folder / "versions"), ImageStore.open(store_folder)
    shutil.rmtree(folder / "versions", ignore_errors=True)
    first = versions.create(store, spec)
    validate(first.manifest(), spec, first.classes)
    _ingest(store_folder, drawn(folder, n, MORE), keep=True)
    began = time.perf_counter()
    created = versions.create(store, spec)
    created.record_validation(validate(created.manifest(), spec, created.classes))
    return {"seconds": time.perf_counter() - began}


def _spec(landing: str) -> ClassificationSpec:
    pattern = r"(?P<label>[A-Za-z-]+)_.*"
    source = {"landing": landing, "label": "pattern", "pattern": pattern, "settle_s": 0}
    return ClassificationSpec.model_validate({"source": source})


def _ingest(store_folder: Path, landing: Path, keep: bool = False) -> float:
    """Sweep the landing folder into a store; the seconds that it took."""
    batches = store_folder.parent / f"{store_folder.name}-batches"
    if not keep:
        shutil.rmtree(store_folder, ignore_errors=True)
    shutil.rmtree(batches, ignore_errors=True)
    spec, store = _spec(str(landing)), ImageStore.open(store_folder)
    began = time.perf_counter()
    for _ in ingest_all(store, sweep(landing, store, spec.source, batches), landing, spec):
        pass
    return time.perf_counter() - began


def _copy_of_store(folder: Path, n: int) -> Path:
    copy = folder / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / f"store-{n}", copy)
    return copy
