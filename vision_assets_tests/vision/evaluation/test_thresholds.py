"""Thresholds by cost: none is cheaper on the same images, and of equal ones Bayes' are nearest."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.evaluation.costs import consequences, decided
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.thresholds import (
    bayes_thresholds,
    cheapest,
    choose,
    with_thresholds,
)
from vision_assets.vision.inference.bundle import Bundle, CardClass
from vision_assets.vision.inference.decision import led_to
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.inference.service.live_model import LoadedModel
from vision_assets.vision.spec import CostSpec
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset, spec_of

TASK = load_task("classification")
GOOD, SCRATCH = CardClass(id=0, name="good", defect=False), CardClass(id=1, name="s", defect=True)
COSTS = CostSpec(escape=10, overkill=1, review=0.25)

cost = st.sampled_from([0.1, 0.25, 1.0, 3.0, 20.0])
any_costs = st.builds(CostSpec, escape=cost, overkill=cost, review=st.none() | cost | st.just(0.0))
image = st.tuples(st.booleans(), st.sampled_from([0.0, 0.01, 0.2, 0.5, 0.7, 0.95, 1.0]))
images = st.lists(image, min_size=1, max_size=12)
threshold = st.sampled_from([0.0, 0.005, 0.01, 0.1, 0.3, 0.5, 0.6, 0.8, 0.97, 1.0])


def table(found: list[tuple[bool, float]]) -> pd.DataFrame:
    return pd.DataFrame(found, columns=pd.Index(["defect", "defect_score"]))


def total(found: list[tuple[bool, float]], thresholds: dict[str, float], costs: CostSpec) -> float:
    return consequences(decided(table(found), thresholds), costs).cost


def chosen(found: list[tuple[bool, float]], costs: CostSpec) -> dict[str, float]:
    defect, score = (np.array(column) for column in zip(*found, strict=True))
    return cheapest(defect.astype(bool), score.astype(float), costs)


def test_a_person_is_asked_where_that_is_cheaper_than_either_decision():
    """Passed below 0.25 / 10, refused from 1 - 0.25 / 1."""
    assert bayes_thresholds(COSTS) == {"pass_below": 0.025, "refuse_from": 0.75}


@pytest.mark.parametrize("review", [None, 0.95, 5.0])
def test_without_a_person_or_with_a_dear_one_there_is_one_threshold(review: float | None):
    found = bayes_thresholds(CostSpec(escape=10, overkill=1, review=review))
    assert found["pass_below"] == found["refuse_from"] == pytest.approx(1 / 11)


def test_images_that_are_told_apart_well_leave_bayes_thresholds():
    assert chosen([(False, 0.001), (True, 0.999)], COSTS) == bayes_thresholds(COSTS)


def test_a_threshold_moves_as_far_as_the_images_ask_for():
    """A good part at 0.1 may pass: the nearest threshold to 0.025 that lets it lies just above."""
    found = chosen([(False, 0.001), (False, 0.1), (True, 0.999)], COSTS)
    assert found["pass_below"] == np.nextafter(0.1, 1)
    assert found["refuse_from"] == 0.75


def test_an_escape_that_costs_more_than_reviews_is_looked_at():
    """Passing below 0.5 costs 10, looking at four parts costs 1."""
    found = chosen([(False, 0.3), (True, 0.31), (False, 0.32), (False, 0.33), (True, 0.9)], COSTS)
    assert 0.3 < found["pass_below"] <= 0.31
    assert found["refuse_from"] == 0.75


@given(images, any_costs, threshold, threshold)
def test_no_other_thresholds_cost_less(
    found: list[tuple[bool, float]], costs: CostSpec, one: float, other: float
):
    low, high = sorted((one, other)) if costs.review is not None else (one, one)
    best = total(found, chosen(found, costs), costs)
    assert best <= total(found, {"pass_below": low, "refuse_from": high}, costs) + 1e-9


@given(images, any_costs)
def test_they_are_in_order_and_in_range(found: list[tuple[bool, float]], costs: CostSpec):
    thresholds = chosen(found, costs)
    assert 0 <= thresholds["pass_below"] <= thresholds["refuse_from"] <= 1
    if costs.review is None:
        assert thresholds["pass_below"] == thresholds["refuse_from"]


@given(images, any_costs)
def test_where_bayes_is_as_cheap_bayes_it_is(found: list[tuple[bool, float]], costs: CostSpec):
    thresholds, wanted = chosen(found, costs), bayes_thresholds(costs)
    if total(found, wanted, costs) <= total(found, thresholds, costs) + 1e-12:
        assert thresholds == wanted


@given(st.permutations([(False, 0.1), (True, 0.2), (False, 0.3), (True, 0.9), (False, 0.2)]))
def test_the_order_of_images_changes_nothing(found: list[tuple[bool, float]]):
    assert chosen(found, COSTS) == chosen(sorted(found), COSTS)


def test_too_few_images_leave_it_to_the_costs():
    found = choose(table([(False, 0.3)] * 10 + [(True, 0.4)] * 9), [GOOD, SCRATCH], COSTS)
    assert found.thresholds == bayes_thresholds(COSTS)
    assert "10 good and 9 defect images" in found.origin


def test_images_of_one_kind_leave_it_to_the_costs():
    found = choose(table([(True, 0.4)] * 30), [GOOD, SCRATCH], COSTS)
    assert found.thresholds == bayes_thresholds(COSTS)
    assert "0 good and 30 defect" in found.origin


def test_no_image_leaves_it_to_the_costs():
    assert choose(None, [GOOD, SCRATCH], COSTS).thresholds == bayes_thresholds(COSTS)


@pytest.mark.parametrize(
    ("classes", "why"), [([SCRATCH], "every class is a defect"), ([GOOD], "no class is a defect")]
)
def test_where_nothing_can_be_decided_there_are_none(classes: list[CardClass], why: str):
    found = choose(table([(True, 0.4)] * 30), classes, COSTS)
    assert found.thresholds == {}
    assert why in found.origin


def test_a_bundle_decides_by_what_its_card_says(bundle: Bundle, drawn: DrawnDataset, tmp_path):
    val = drawn.manifest[drawn.manifest["split"] == "val"]
    made = with_thresholds(TASK, bundle, val, drawn.read, spec_of(COSTS), tmp_path)
    found = evaluate(TASK, made, val, drawn.read).predictions
    again = choose(found, made.card.classes, COSTS)
    assert made.card.thresholds == again.thresholds
    assert (
        made.card.options["thresholds"]
        == again.origin
        == ("lowest cost on 8 good and 16 defect images of the val split")
    )
    assert made.read("model.onnx") == bundle.read("model.onnx")
    assert made.bundle_id != bundle.bundle_id
    by_card = decided(found, made.card.thresholds)["decision"]
    assert found["decision"].tolist() == by_card.tolist()
    assert [path.name for path in tmp_path.iterdir()] == [made.bundle_id]


def test_the_card_says_what_its_thresholds_led_to(bundle: Bundle, drawn: DrawnDataset, tmp_path):
    val = drawn.manifest[drawn.manifest["split"] == "val"]
    made = with_thresholds(TASK, bundle, val, drawn.read, spec_of(COSTS), tmp_path)
    seen = consequences(evaluate(TASK, made, val, drawn.read).predictions, COSTS)
    assert led_to(made.card.options) == {
        "escape_rate": pytest.approx(seen.escapes / seen.defects, rel=1e-5),
        "overkill_rate": pytest.approx(seen.overkill / seen.good, rel=1e-5),
        "review_rate": pytest.approx(seen.reviewed / seen.n, rel=1e-5),
        "cost": pytest.approx(seen.cost / seen.n, rel=1e-5),
    }
    live = LoadedModel(made, Predictor(made), "baked", datetime.now(UTC), "drawn:1")
    assert live.info()["on_val"] == led_to(made.card.options)
    assert live.info()["thresholds_origin"].startswith("lowest cost on 8 good")


def test_an_empty_val_split_makes_a_bundle_all_the_same(
    bundle: Bundle, drawn: DrawnDataset, tmp_path
):
    made = with_thresholds(
        TASK, bundle, drawn.manifest.iloc[:0], drawn.read, spec_of(COSTS), tmp_path
    )
    assert made.card.thresholds == bayes_thresholds(COSTS)
