"""Projects of one use case in a folder of their own, with a home of their own."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from vision_assets.assets.graph import REFERENCE, asset_key, verdict
from vision_assets.home import HOME_VARIABLE, Home
from vision_assets.project import DEFS_VARIABLE, use_case
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.drawing import draw_jpeg

PARTS_YAML = """\
type: vision_assets.ClassificationPipeline
attributes:
  source: {landing: landing/parts, settle_s: 0, batch: {max_wait_s: 0}}
  recipe: {epochs: 2, image_size_px: 32, batch_size: 8}
  gates: [{metric: accuracy, min: 0.0}]
  triggers: {retrain_after: 4}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of use cases and an empty home; the folder is returned."""
    defs = tmp_path / "defs"
    defs.mkdir()
    monkeypatch.setenv(DEFS_VARIABLE, str(defs))
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    before = dict(os.environ)
    yield defs
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def write_yaml(project: Path) -> Callable[..., Path]:
    """Writes the YAML of a use case and gives its path."""

    def write(text: str = PARTS_YAML, name: str = "parts") -> Path:
        path = project / name / "defs.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def parts(write_yaml: Callable[..., Path], home: Home) -> UseCase:
    """The use case `parts`, labelled by folder, with an empty landing folder."""
    write_yaml()
    case = use_case("parts")
    home.landing(case.spec.source.landing).mkdir(parents=True)
    return case


@pytest.fixture
def home(project: Path) -> Home:
    """The home of the project."""
    return Home.from_environment()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance of Dagster of its own, for ticks."""
    with dg.DagsterInstance.local_temp() as made:
        yield made


@pytest.fixture
def drop(home: Home, parts: UseCase) -> Callable[[int], None]:
    """Draws images of two classes into the landing folder of `parts`, new ones at each call."""
    dropped: list[Path] = []

    def draw(n: int) -> None:
        for index in range(len(dropped), len(dropped) + n):
            label = ("good", "scratch")[index % 2]
            path = home.landing(parts.spec.source.landing) / label / f"{index}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(draw_jpeg(index, label))
            dropped.append(path)

    return draw


@pytest.fixture
def deployed(home: Home) -> Callable[[], None]:
    """Puts a deployment on record whose endpoint does not run."""

    def deploy() -> None:
        line = {
            **{"schema_version": 1, "sequence": 1, "bundle_id": "b1", "bundle": "b1"},
            **{"bento_tag": "parts:b1", "model_id": "m1", "dataset": {"name": "v0001"}},
            **{"since": "2026-01-01T00:00:00Z", "why": "test", "by": "test", "previous": None},
        }
        home.deployments("parts").mkdir(parents=True)
        (home.deployments("parts") / "log.jsonl").write_text(json.dumps(line) + "\n")

    return deploy


@pytest.fixture
def export_parts(
    parts: UseCase, home: Home, draw_folder: Callable[..., Path]
) -> Callable[[int], dg.AssetsDefinition]:
    """Trains on drawn images of `parts` for some epochs; the bundle as an asset exported_model."""
    draw_folder(8, folder="home/landing/parts")
    landing, store = home.landing(parts.spec.source.landing), ImageStore.open(home.store("parts"))
    for batch in sweep(landing, store, parts.spec.source, home.batches("parts")):
        ingest(store, batch, landing, parts.spec)
    version = DatasetVersions(home.datasets("parts")).create(store, parts.spec)

    def export_after(epochs: int) -> dg.AssetsDefinition:
        from vision_assets.vision.export import export
        from vision_assets.vision.tasks.registry import load_task
        from vision_assets.vision.training.fit import fit

        task = load_task(parts.task)
        trained = fit(
            task,
            version.manifest(),
            store.read,
            parts.spec.recipe.model_copy(update={"epochs": epochs}),
            version.classes,
            home.models("parts"),
            {"name": version.name, "fingerprint": version.fingerprint},
            threads=1,
        )
        bundle = export(task, trained, home.bundles("parts"), "parts")

        @dg.asset(key=asset_key(parts, "exported_model"))
        def exported() -> dg.MaterializeResult:
            return dg.MaterializeResult(metadata={REFERENCE: bundle.bundle_id, **verdict([])})

        return exported

    return export_after
