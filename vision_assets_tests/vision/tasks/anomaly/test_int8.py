"""A threshold of integers keeps the rate of false alarms as one of floats does."""

from pathlib import Path

import pandas as pd
import pytest

from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.report import Background, write_report
from vision_assets.vision.evaluation.thresholds import with_thresholds
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.decision import ORIGIN, REFUSE_FROM
from vision_assets.vision.int8 import try_int8
from vision_assets.vision.shipment import Shipment, make_shipment
from vision_assets.vision.spec import CostSpec, ExportSpec, SourceSpec
from vision_assets.vision.tasks.anomaly.false_alarms import kept, normal_scores, threshold
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe, AnomalySpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets.vision.training.fit import fit
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.vision.dataset.drawn_dataset import DATASET, DrawnDataset, draw_dataset

TASK = load_task("anomaly")
RATE = 0.05
RECIPES = {
    "synthetic_defects": {"epochs": 2},
    "memory_bank": {"epochs": 1, "bank_size": 128},
}
UNDECIDED_MARGIN = ExportSpec(int8=True, int8_margin=1)


@pytest.fixture(scope="module")
def many() -> DrawnDataset:
    """As many normal images in val as the promise needs, as many in test beside some defects."""
    drawn = draw_dataset(per_class=300)
    good, defects = (drawn.manifest.query(f"label {how} 'good'") for how in ("==", "!="))
    some = defects[defects["split"] == "test"][::6]
    return DrawnDataset(pd.concat([good, some]), drawn.images)


@pytest.fixture(scope="module", params=RECIPES)
def shipment(
    request: pytest.FixtureRequest, many: DrawnDataset, tmp_path_factory: pytest.TempPathFactory
) -> Shipment:
    root: Path = tmp_path_factory.mktemp(request.param)
    said = {"method": request.param, "image_size_px": 32, "batch_size": 16}
    recipe = AnomalyRecipe.model_validate(said | RECIPES[request.param])
    spec = AnomalySpec.model_validate(
        {
            "source": {"landing": "landing"},
            "export": {"int8": True},
            "false_alarms": {"rate": RATE},
        }
    )
    trained = fit(TASK, many.manifest, many.read, recipe, many.classes, root, DATASET, threads=1)
    case = UseCase("drawn", "anomaly", spec)
    return make_shipment(TASK, trained, many.manifest, many.read, root / "bundles", case)


def integers_of(shipment: Shipment) -> Bundle:
    assert shipment.integers is not None
    return shipment.integers.bundle


def outcomes(bundle: Bundle, drawn: DrawnDataset, split: str) -> pd.DataFrame:
    rows = drawn.manifest[drawn.manifest["split"] == split]
    return evaluate(TASK, bundle, rows, drawn.read).predictions


def test_the_threshold_of_integers_is_the_one_of_their_own_scores(
    shipment: Shipment, many: DrawnDataset
):
    bundle = integers_of(shipment)
    found = threshold(normal_scores(outcomes(bundle, many, "val")), RATE, 0.95)
    assert bundle.card.thresholds[REFUSE_FROM] == found.value
    assert found.bound <= RATE
    assert "keeps false alarms at 5.00% or less" in bundle.card.options[ORIGIN]
    assert bundle.card.thresholds != shipment.floats.card.thresholds


def test_new_normal_images_do_not_refute_the_promise(shipment: Shipment, many: DrawnDataset):
    found = kept(outcomes(integers_of(shipment), many, "test"), RATE)
    assert found is not None
    assert found.n == 60
    assert found.p_value > 0.05


def test_shots_of_one_part_count_once_in_threshold_and_report(
    shipment: Shipment, many: DrawnDataset, tmp_path: Path
):
    spec = AnomalySpec(source=SourceSpec(landing="landing"))
    of_split = {split: rows for split, rows in many.manifest.groupby("split")}
    val, test = (
        of_split[split].assign(group=lambda rows: [str(n // 5) for n in range(len(rows))])
        for split in ("val", "test")
    )
    bundle = with_thresholds(TASK, shipment.floats, val, many.read, spec, tmp_path)
    assert "groups of normal images" in bundle.card.options[ORIGIN]
    found = evaluate(TASK, bundle, test, many.read)
    known = Background(evidence=Evidence(TASK, found, test, CostSpec()))
    page = write_report(TASK, found, [], bundle, many.read, tmp_path, known).html.read_text()
    assert "groups of normal images were refused" in page


def test_without_defects_in_test_integers_do_not_ship(shipment: Shipment, many: DrawnDataset):
    """They keep the promise also where they find nothing."""
    good = many.test[many.test["label"] == "good"]
    trial = try_int8(
        TASK, shipment.floats, integers_of(shipment), good, many.read, UNDECIDED_MARGIN
    )
    assert not trial.passed
    assert "what INT8 makes of defects is not known" in trial.text
