"""Magnetic tiles: learned from normal ones, judged on defects and on other normal ones."""

from pathlib import Path

import pytest

from benchmarks.quality.data import DATA
from benchmarks.quality.training import filled_store
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.report import write_report
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.export import export
from vision_assets.vision.tasks.anomaly.false_alarms import kept
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

SHORT = {"image_size_px": 96, "epochs": 6}
STEP = 3


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiles")


@pytest.fixture(scope="module")
def scorecard(real_data: Path, root: Path) -> Scorecard:
    """Of every third tile."""
    task, spec = load_task("anomaly"), DATA["normal_tiles"].spec(real_data, SHORT, 0)
    store = filled_store(root, spec)
    version = DatasetVersions(root / "datasets").create(store, spec)
    rows = version.manifest()[::STEP]
    val, test = (rows[rows["split"] == split] for split in ("val", "test"))
    model = fit(task, rows, store.read, spec.recipe, version.classes, root / "models", DATASET)
    bundle = export(task, model, root / "plain", "tiles")
    shipped = with_thresholds(task, bundle, val, store.read, spec, root / "bundles")
    found = evaluate(task, shipped, test, store.read)
    write_report(task, found, [], shipped, store.read, root / "reports")
    return found


def test_defects_score_higher_than_normal_tiles(scorecard: Scorecard):
    assert scorecard.metrics["auroc"] > 0.5
    assert 0 < scorecard.metrics["pro"] < 1


def test_the_promised_rate_of_false_alarms_is_not_refuted(scorecard: Scorecard):
    found = kept(scorecard.predictions, 0.05)
    assert found is not None
    assert found.p_value > 0.01


def test_the_report_says_so(scorecard: Scorecard, root: Path):
    (page,) = (root / "reports").glob("*/report.html")
    assert "That does not refute the promise" in page.read_text()
