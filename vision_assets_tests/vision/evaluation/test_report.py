"""A report is one page that needs nothing else."""

import json
import re

import pandas as pd
import pytest

from vision_assets.vision.errors import BundleError
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.gates import judge
from vision_assets.vision.evaluation.plots import confusion_matrix, learning_curves
from vision_assets.vision.evaluation.report import Report, read_report, write_report
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.spec import CostSpec, GateSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

TASK = load_task("classification")
PNG = b"\x89PNG\r\n"
MOST_BYTES = 60_000


@pytest.fixture(scope="module")
def scorecard(bundle: Bundle, drawn: DrawnDataset) -> Scorecard:
    """Of a test split in which every scratch is said to be good, so that there are mistakes."""
    rows = drawn.test.copy()
    rows.loc[rows["label"] == "scratch", ["class_id", "label"]] = [10, "good"]
    return evaluate(TASK, bundle, rows, drawn.read, slices=("line",))


@pytest.fixture(scope="module")
def evidence(scorecard: Scorecard, drawn: DrawnDataset) -> Evidence:
    return Evidence(TASK, scorecard, drawn.test, CostSpec())


@pytest.fixture(scope="module")
def report(scorecard, evidence, bundle, drawn, trained: TrainedModel, tmp_path_factory) -> Report:
    gates = judge(evidence, [GateSpec(metric="accuracy", min=0.99)])
    root = tmp_path_factory.mktemp("reports")
    return write_report(TASK, scorecard, gates, bundle, drawn.read, root, trained.history)


def test_the_page_refers_to_nothing_outside_itself(report: Report):
    page = report.html.read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "http" not in page


def test_the_page_says_that_a_gate_failed(report: Report):
    assert "1 of 1 gates did not pass" in report.html.read_text()


def test_mistakes_are_shown_with_what_the_model_saw(report: Report, scorecard: Scorecard):
    wrong = int((~scorecard.predictions["correct"]).sum())
    assert wrong > 0
    assert report.html.read_text().count('<figure class="mistake">') == wrong


def test_plots_are_small_enough_to_travel(report: Report):
    assert set(report.plots) == {"confusion matrix", "per class", "slices", "learning curves"}
    for png in report.plots.values():
        assert png.startswith(PNG)
        assert len(png) < MOST_BYTES


def test_figures_lie_beside_the_page(report: Report, scorecard: Scorecard):
    said = json.loads((report.folder / "scorecard.json").read_text())
    assert said["metrics"] == scorecard.metrics
    assert said["gates"][0]["passed"] is False
    predictions = pd.read_parquet(report.folder / "predictions.parquet")
    pd.testing.assert_frame_equal(predictions, scorecard.predictions, check_dtype=False)


def test_a_report_can_be_read_back(report: Report, bundle: Bundle, scorecard: Scorecard):
    bundle_id, predictions = read_report(report.folder)
    assert bundle_id == bundle.bundle_id
    assert len(predictions) == len(scorecard.predictions)


def test_a_missing_report_is_told(tmp_path):
    with pytest.raises(BundleError, match="materialize evaluation_report again"):
        read_report(tmp_path)


def test_the_same_findings_are_the_same_report(report: Report, scorecard, evidence, bundle, drawn):
    gates = judge(evidence, [GateSpec(metric="accuracy", min=0.99)])
    root = report.folder.parent
    again = write_report(TASK, scorecard, gates, bundle, drawn.read, root)
    assert again.report_id == report.report_id
    assert len(list(root.iterdir())) == 1


def test_markup_in_a_class_name_stays_text(bundle: Bundle, drawn: DrawnDataset, tmp_path):
    rows = drawn.test.copy()
    rows.loc[rows["label"] == "spot", ["class_id", "label"]] = [99, "<script>alert(1)</script>"]
    scorecard = evaluate(TASK, bundle, rows, drawn.read)
    page = write_report(TASK, scorecard, [], bundle, drawn.read, tmp_path).html.read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_many_classes_stay_small_enough_to_travel():
    names = [f"a class with a rather long name {n}" for n in range(40)]
    counts = pd.DataFrame(7, index=pd.Index(names), columns=pd.Index(names))
    assert len(confusion_matrix(counts)) < MOST_BYTES


def test_one_epoch_is_drawn_as_points(trained: TrainedModel):
    assert learning_curves(trained.history[:1]).startswith(PNG)
