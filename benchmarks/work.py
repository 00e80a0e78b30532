"""The workers of the benchmarks: each measures one thing and prints it as JSON.

python -m benchmarks.work NAME[:N] FOLDER
"""

import io
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import endpoint

DATA_VARIABLE = "VISION_ASSETS_TEST_DATA"
MORE = 1000
CHAIN_IMAGES = 300

Figures = dict[str, float]


def ingest_real(folder: Path, _n: int) -> Figures:
    """Everything that an ingest does, on the real files."""
    landing = _real_files(folder)
    return {"images_per_s": len(list(landing.iterdir())) / _ingest(folder / "fresh", landing)}


def torchvision_decode(folder: Path, _n: int) -> Figures:
    """Decoding to RGB alone, on one thread a core."""
    import torch
    from torchvision.io import ImageReadMode, decode_image

    torch.set_num_threads(1)
    paths = sorted(_real_files(folder).iterdir())

    def decode(path: Path) -> None:
        data = torch.frombuffer(bytearray(path.read_bytes()), dtype=torch.uint8)
        decode_image(data, mode=ImageReadMode.RGB)

    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, paths))
    return {"images_per_s": len(paths) / (time.perf_counter() - began)}


def ingest_drawn(folder: Path, n: int) -> Figures:
    """Ingest of n small images into an empty store."""
    return {"seconds": _ingest(folder / "fresh", _drawn(folder, 0, n))}


def ingest_more(folder: Path, n: int) -> Figures:
    """Ingest of 1,000 images into a store of n."""
    store = _copy_of_store(folder, n)
    return {"seconds": _ingest(store, _drawn(folder, n, MORE), keep=True)}


def version_more(folder: Path, n: int) -> Figures:
    """A new version after 1,000 more images in a store of n, with its expectations."""
    from vision_assets.quality.validation import validate
    from vision_assets.vision.dataset.versions import DatasetVersions
    from vision_assets.vision.store.image_store import ImageStore

    store_folder, spec = _copy_of_store(folder, n), _spec("")
    versions, store = DatasetVersions(folder / "versions"), ImageStore.open(store_folder)
    shutil.rmtree(folder / "versions", ignore_errors=True)
    first = versions.create(store, spec)
    validate(first.manifest(), spec, first.classes)
    _ingest(store_folder, _drawn(folder, n, MORE), keep=True)
    began = time.perf_counter()
    version = versions.create(store, spec)
    version.record_validation(validate(version.manifest(), spec, version.classes))
    return {"seconds": time.perf_counter() - began}


def import_dagster(_folder: Path, _n: int) -> Figures:
    """What every code location pays."""
    began = time.perf_counter()
    import dagster  # noqa: F401 (its import is what is measured)

    return {"seconds": time.perf_counter() - began}


def load_definitions(_folder: Path, _n: int) -> Figures:
    """From nothing to the repository that Dagster asks for."""
    began = time.perf_counter()
    from vision_assets.definitions import defs

    defs().get_repository_def()
    return {"seconds": time.perf_counter() - began}


def chain_dagster(folder: Path, _n: int) -> Figures:
    """The whole graph through Dagster, in a fresh home."""
    from vision_assets.execution import run_graph

    _chain_project(folder)
    began = time.perf_counter()
    if not run_graph("parts"):
        sys.exit("the run failed")
    return {"seconds": time.perf_counter() - began}


def chain_direct(folder: Path, _n: int) -> Figures:
    """The same functions one after the other, without Dagster and MLflow."""
    home = _chain_project(folder)
    began = time.perf_counter()
    _call_directly(home)
    return {"seconds": time.perf_counter() - began}


def train_drawn(folder: Path, n: int) -> Figures:
    """One epoch on n small images, from their bytes to the model's folder."""
    from benchmarks import training

    return training.train_drawn(folder, _drawn(folder, 0, n))


def epoch_ours(folder: Path, _n: int) -> Figures:
    """An epoch of the default recipe on real images."""
    from benchmarks import training

    return training.epoch_ours(folder, training.link_by_class(folder))


def epoch_in_memory(folder: Path, _n: int) -> Figures:
    """The same on a tensor that holds all images."""
    from benchmarks import training

    return training.epoch_in_memory(folder, training.link_by_class(folder))


def epoch_image_folder(folder: Path, n: int) -> Figures:
    """The same on torchvision's ImageFolder, with n processes that load."""
    from benchmarks import training

    return training.epoch_image_folder(folder, training.link_by_class(folder), n)


WORKERS: dict[str, Callable[[Path, int], Figures]] = {
    worker.__name__: worker
    for worker in (
        ingest_real,
        torchvision_decode,
        ingest_drawn,
        ingest_more,
        version_more,
        import_dagster,
        load_definitions,
        chain_dagster,
        chain_direct,
        train_drawn,
        epoch_ours,
        epoch_in_memory,
        epoch_image_folder,
    )
} | endpoint.WORKERS


def prepare(worker: str, folder: Path) -> None:
    """Draw and store once what a worker needs each time; outside of what is measured."""
    name, _, number = worker.partition(":")
    n = int(number or 0)
    if name in ("ingest_real", "torchvision_decode"):
        _real_files(folder)
    if name in ("ingest_drawn", "train_drawn"):
        _drawn(folder, 0, n)
    if name in ("ingest_more", "version_more") and not (folder / f"store-{n}").exists():
        _ingest(folder / f"store-{n}", _drawn(folder, 0, n))
        _drawn(folder, n, MORE)
    if name.startswith("chain"):
        _chain_images(folder)
    if name in endpoint.WORKERS:
        _real_files(folder)
        endpoint.prepare(folder)


def _real_files(folder: Path) -> Path:
    """Links to the files of neu-steel and magnetic-tile, in one folder."""
    linked = folder / "real"
    if not linked.exists():
        data = Path(os.environ[DATA_VARIABLE])
        linked.mkdir()
        paths = [*data.glob("neu-steel/images/*.jpg"), *data.glob("magnetic-tile/*/Imgs/*.jpg")]
        for path in paths:
            shutil.copy(path, linked / f"{path.parent.parent.name}_{path.name}")
    return linked


def _drawn(folder: Path, first: int, n: int) -> Path:
    """n different JPEGs of 64x64 px, numbered from `first`."""
    import numpy as np
    from PIL import Image

    landing = folder / f"drawn-{first}-{n}"
    if landing.exists():
        return landing
    landing.mkdir()
    for number in range(first, first + n):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels).resize((64, 64)).save(buffer, "JPEG")
        (landing / f"{('good', 'bad')[number % 2]}_{number}.jpg").write_bytes(buffer.getvalue())
    return landing


def _spec(landing: str):
    from vision_assets.vision.tasks.classification.spec import ClassificationSpec

    pattern = r"(?P<label>[A-Za-z-]+)_.*"
    source = {"landing": landing, "label": "pattern", "pattern": pattern, "settle_s": 0}
    return ClassificationSpec.model_validate({"source": source})


def _ingest(store_folder: Path, landing: Path, keep: bool = False) -> float:
    """Sweep the landing folder into a store; the seconds that it took."""
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.ingest import ingest_all
    from vision_assets.vision.store.landing import sweep

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


def _chain_images(folder: Path) -> Path:
    from vision_assets.vision.samples.write import write_samples

    landing = folder / "chain-images"
    if not landing.exists():
        write_samples(landing, CHAIN_IMAGES, 0)
    return landing


def _chain_project(folder: Path):
    """A fresh home and the YAML of one use case."""
    from vision_assets.home import HOME_VARIABLE, Home
    from vision_assets.project import DEFS_VARIABLE
    from vision_assets.vision.samples.write import PATTERN

    shutil.rmtree(folder / "home", ignore_errors=True)
    yaml = folder / "defs" / "parts" / "defs.yaml"
    yaml.parent.mkdir(parents=True, exist_ok=True)
    attributes = {
        "source": {
            "landing": str(_chain_images(folder)),
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


def _call_directly(home) -> None:
    from vision_assets.project import use_case
    from vision_assets.quality.validation import validate
    from vision_assets.serving.bento import build_bento
    from vision_assets.serving.check import check_bento
    from vision_assets.serving.deployments import Deployments
    from vision_assets.vision.dataset.versions import DatasetVersions
    from vision_assets.vision.evaluation.evaluate import evaluate
    from vision_assets.vision.evaluation.evidence import Evidence
    from vision_assets.vision.evaluation.gates import judge
    from vision_assets.vision.evaluation.report import write_report
    from vision_assets.vision.evaluation.thresholds import decide_by_cost
    from vision_assets.vision.export import export
    from vision_assets.vision.parity import check_parity
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.ingest import ingest
    from vision_assets.vision.store.landing import sweep
    from vision_assets.vision.tasks.registry import load_task
    from vision_assets.vision.training.fit import fit

    case, task = use_case("parts"), load_task("classification")
    spec, store = case.spec, ImageStore.open(home.store("parts"))
    landing = home.landing(spec.source.landing)
    for batch in sweep(landing, store, spec.source, home.batches("parts")):
        ingest(store, batch, landing, spec)
    version = DatasetVersions(home.datasets("parts")).create(store, spec)
    manifest = version.manifest()
    version.record_validation(validate(manifest, spec, version.classes))
    dataset = {"name": version.name, "fingerprint": version.fingerprint}
    models = home.models("parts")
    trained = fit(task, manifest, store.read, spec.recipe, version.classes, models, dataset)
    with tempfile.TemporaryDirectory() as scratch:
        plain, val = export(task, trained, Path(scratch), "parts"), manifest["split"] == "val"
        bundles = home.bundles("parts")
        bundle = decide_by_cost(task, plain, manifest[val], store.read, spec.costs, bundles)
    ids = manifest.sort_values("split")["image_id"].tolist()[:200]
    check_parity(task, trained, bundle, store.read(ids))
    test = manifest[manifest["split"] == "test"]
    scorecard = evaluate(task, bundle, test, store.read)
    evidence = Evidence(task, scorecard, test, spec.costs)
    gates = judge(evidence, spec.gates)
    reports = home.reports("parts")
    write_report(task, scorecard, gates, bundle, store.read, reports, evidence=evidence)
    built = build_bento(home, case, bundle.folder)
    asked = scorecard.predictions[:32].set_index("image_id")["predicted"].to_dict()
    expected = [(name, data, {"label": asked[name]}) for name, data in store.read(list(asked))]
    check_bento(home, built, expected)
    Deployments(home.deployments("parts")).deploy(
        bundle.bundle_id, bundle.folder, built.tag, "benchmark", "benchmark"
    )


def main() -> None:
    """Run one worker."""
    name, _, number = sys.argv[1].partition(":")
    figures = WORKERS[name](Path(sys.argv[2]), int(number or 0))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures | {"peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
