"""A report is one page that needs nothing else."""

import json
import re

import pandas as pd
import pytest

from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.errors import BundleError
from vision_assets.vision.evaluation.champion import Contest, FairImages, challenge
from vision_assets.vision.evaluation.comparison import compare
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.gates import judge
from vision_assets.vision.evaluation.heatmap_sanity import HeatmapExample, HeatmapSanity
from vision_assets.vision.evaluation.plots import confusion_matrix, learning_curves
from vision_assets.vision.evaluation.report import Background, Report, read_report, write_report
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.spec import ChampionSpec, CostSpec, GateSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.trained_model import TrainedModel
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset, spec_of
from vision_assets_tests.vision.made_images import MadeImages, pipeline

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
    return write_report(TASK, scorecard, gates, bundle, drawn.read, root, Background(trained))


def test_the_page_refers_to_nothing_outside_itself(report: Report):
    page = report.html.read_text()
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "http" not in page


def test_the_page_says_that_a_gate_failed(report: Report):
    page = report.html.read_text()
    assert "Not to be deployed" in page
    assert "1 of 1 gates did not pass" in page


@pytest.mark.parametrize(
    ("asked", "said"), [([GateSpec(metric="accuracy", min=0)], "May be deployed"), ([], "No gate")]
)
def test_the_page_says_that_a_model_may_be_deployed(
    scorecard, evidence, bundle, drawn, tmp_path, asked, said
):
    gates = judge(evidence, asked)
    page = write_report(TASK, scorecard, gates, bundle, drawn.read, tmp_path).html.read_text()
    assert said in page


def test_the_page_begins_with_the_verdict_and_a_handful_of_figures(report: Report, scorecard):
    page = report.html.read_text()
    wrong = int((~scorecard.predictions["correct"]).sum())
    assert page.index("Not to be deployed") < page.index('class="tile"') < page.index("<h2>")
    assert f"<b>{wrong}</b><span>mistakes</span>" in page


def test_mistakes_are_shown_with_what_the_model_saw(report: Report, scorecard: Scorecard):
    wrong = int((~scorecard.predictions["correct"]).sum())
    assert wrong > 0
    assert report.html.read_text().count('<figure class="mistake">') == wrong


def test_plots_are_small_enough_to_travel(report: Report):
    curves = {"precision and recall", "receiver operating characteristic", "calibration"}
    assert set(report.plots) == curves | {
        *("confusion matrix", "per class", "slices", "learning curves"),
    }
    for png in report.plots.values():
        assert png.startswith(PNG)
        assert len(png) < MOST_BYTES


def test_figures_lie_beside_the_page(report: Report, scorecard: Scorecard):
    said = json.loads((report.folder / "scorecard.json").read_text())
    assert said["metrics"] == scorecard.metrics
    assert said["gates"][0]["passed"] is False
    predictions = pd.read_parquet(report.folder / "predictions.parquet")
    pd.testing.assert_frame_equal(predictions, scorecard.predictions, check_dtype=False)


def test_what_is_not_known_is_null_in_the_figures(bundle: Bundle, drawn: DrawnDataset, tmp_path):
    rows = drawn.test[drawn.test["label"] == "good"]
    scorecard = evaluate(TASK, bundle, rows, drawn.read)
    report = write_report(TASK, scorecard, [], bundle, drawn.read, tmp_path)
    said = json.loads((report.folder / "scorecard.json").read_text(), parse_constant=pytest.fail)
    assert said["per_class"][0]["auroc"] is None


def test_a_model_card_lies_beside_the_page(report: Report, scorecard: Scorecard):
    card = (report.folder / "model_card.md").read_text()
    assert card.startswith("# Model card: drawn, bundle " + scorecard.card.bundle_id)
    assert "NOT PASSED: accuracy is" in card
    assert "good has 16 test images, fewer than 20" in card
    assert f"temperature {scorecard.card.calibration['temperature']:.4g}" in card
    tables = [line for line in card.splitlines() if line.startswith("| class |")]
    assert tables == ["| class | precision | recall | f1 | support | average precision | auroc |"]


@pytest.fixture
def background(trained: TrainedModel, bundle: Bundle, scorecard, drawn, tmp_path) -> Background:
    made = MadeImages()
    made.add_many(30, "good")
    made.add_many(4, "spot")
    version = DatasetVersions(tmp_path / "datasets" / "drawn").create(made, pipeline())
    example = HeatmapExample(b"image", b"trained", b"randomised")
    return Background(
        trained=trained,
        version=version,
        heatmaps=HeatmapSanity(n=16, correlation=0.97, chance=0.3, examples=(example,)),
        contest=Contest(
            champion=bundle,
            images=FairImages(drawn.test, unknown_class=0, trained_on=0),
            figures=pd.DataFrame(),
            comparison=compare(scorecard, scorecard),
        ),
    )


def test_what_else_is_known_is_told(scorecard, bundle, drawn, tmp_path, background: Background):
    report = write_report(TASK, scorecard, [], bundle, drawn.read, tmp_path, background)
    page = report.html.read_text()
    assert background.version is not None
    assert f"datasets/drawn/{background.version.name}/card.html" in page
    assert "34 images in 1 delivery" in page
    assert "do not explain answers" in page
    assert "Against the champion" in page
    assert "epochs 8" in page
    assert "collect more of it" in page


def test_a_report_against_another_champion_is_another_report(
    scorecard, bundle, drawn, tmp_path, background: Background
):
    ids = {
        write_report(TASK, scorecard, [], bundle, drawn.read, tmp_path, known).report_id
        for known in (background, Background())
    }
    assert len(ids) == 2


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


def test_a_damaged_report_is_told_and_made_again(scorecard, bundle, drawn, tmp_path):
    def write() -> Report:
        return write_report(TASK, scorecard, [], bundle, drawn.read, tmp_path)

    files = sorted(path.name for path in write().folder.iterdir())
    for name in files:
        path = write().folder / name
        path.unlink() if name.endswith((".html", ".md")) else path.write_bytes(b"{")
        if path.exists():
            with pytest.raises(BundleError, match="materialize evaluation_report again"):
                read_report(path.parent)
        assert sorted(path.name for path in write().folder.iterdir()) == files
        read_report(path.parent)


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


def test_the_page_says_what_decisions_lead_to_and_how_sure_figures_are(
    evidence: Evidence, bundle: Bundle, drawn: DrawnDataset, tmp_path
):
    val = drawn.manifest[drawn.manifest["split"] == "val"]
    made = with_thresholds(TASK, bundle, val, drawn.read, spec_of(CostSpec()), tmp_path / "bundles")
    scorecard = evaluate(TASK, made, drawn.test, drawn.read)
    found = Evidence(TASK, scorecard, drawn.test, CostSpec())
    won = challenge(found, bundle.folder, lambda card: [], drawn.read, ChampionSpec())
    background = Background(evidence=found, contest=won.contest)
    gates = [*judge(found, [GateSpec(metric="recall", min=0, each="class", min_n=5)]), won.gate]
    report = write_report(TASK, scorecard, gates, made, drawn.read, tmp_path, background)
    page = report.html.read_text()
    for said in (
        "escapes: defects passed",
        "overkill: good parts refused",
        "lowest cost on 8 good and 16 defect images of the val split",
        "How sure the figures are",
        "Against the champion",
        "Recall of each class at least 0",
    ):
        assert said in page
    assert {"escapes against overkill", "cost over the threshold"} <= set(report.plots)
    assert all(len(png) < MOST_BYTES for png in report.plots.values())
    said = json.loads((report.folder / "scorecard.json").read_text())
    assert said["thresholds"] == made.card.thresholds
    assert said["champion"]["n"] == len(drawn.test)
    assert said["intervals"]["accuracy"]["value"] == scorecard.metrics["accuracy"]


def test_the_page_says_why_nothing_is_decided(
    scorecard, evidence: Evidence, bundle: Bundle, drawn: DrawnDataset, tmp_path
):
    background = Background(evidence=evidence)
    report = write_report(TASK, scorecard, [], bundle, drawn.read, tmp_path, background)
    assert "The bundle passes and refuses nothing" in report.html.read_text()
    assert "cost over the threshold" not in report.plots
