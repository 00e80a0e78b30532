"""Magnetic tiles: learned from normal ones, judged on defects and on other normal ones."""

from pathlib import Path

import pytest

from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.report import write_report
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.export import export
from vision_assets.vision.spec import SourceSpec
from vision_assets.vision.tasks.anomaly.false_alarms import kept
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe, AnomalySpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET
from vision_assets_tests.vision.tasks.anomaly.tiles import Tiles, read_tiles

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

SHORT = AnomalyRecipe(image_size_px=96, epochs=6)


@pytest.fixture(scope="module")
def tiles(real_data: Path) -> Tiles:
    return read_tiles(real_data / "magnetic-tile", (0.5, 0.25), step=3)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiles")


@pytest.fixture(scope="module")
def scorecard(tiles: Tiles, root: Path) -> Scorecard:
    task, spec = load_task("anomaly"), AnomalySpec(source=SourceSpec(landing="landing"))
    model = fit(task, tiles.manifest, tiles.read, SHORT, tiles.classes, root / "models", DATASET)
    bundle = export(task, model, root / "bundles", "tiles")
    val = tiles.manifest[tiles.manifest["split"] == "val"]
    shipped = with_thresholds(task, bundle, val, tiles.read, spec, root / "bundles")
    found = evaluate(task, shipped, tiles.test, tiles.read)
    write_report(task, found, [], shipped, tiles.read, root / "reports")
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
