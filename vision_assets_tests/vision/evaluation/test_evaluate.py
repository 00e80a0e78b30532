"""A bundle is judged by every image it is given."""

import json

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.errors import DatasetError, SpecError
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.slices import slices
from vision_assets.vision.inference.bundle import Bundle
from vision_assets.vision.inference.predictor import Predictor
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

TASK = load_task("classification")


@pytest.fixture(scope="module")
def scorecard(bundle: Bundle, drawn: DrawnDataset) -> Scorecard:
    return evaluate(TASK, bundle, drawn.test, drawn.read, slices=("line",))


def test_predictions_are_what_the_bundle_answers(
    scorecard: Scorecard, bundle: Bundle, drawn: DrawnDataset
):
    predictor = Predictor(bundle)
    for row in scorecard.predictions.to_dict("records"):
        answer = predictor.predict(drawn.images[row["image_id"]])
        assert (row["predicted"], row["score"]) == (answer["label"], answer["score"])
        assert json.loads(row["answer"]) == answer


def test_accuracy_is_the_share_of_right_answers(scorecard: Scorecard):
    assert scorecard.metrics["accuracy"] == scorecard.predictions["correct"].mean()
    assert scorecard.metrics["accuracy"] > 0.8


def test_latency_is_measured(scorecard: Scorecard):
    assert 0 < scorecard.metrics["latency_p50_ms"] <= scorecard.metrics["latency_p95_ms"]


def test_wrong_labels_are_found_as_the_worst_mistakes(bundle: Bundle, drawn: DrawnDataset):
    rows = drawn.test.copy()
    spots = rows["label"] == "spot"
    rows.loc[spots, ["class_id", "label"]] = [10, "good"]
    worst = evaluate(TASK, bundle, rows, drawn.read).worst(5)
    assert set(worst["predicted"]) == {"spot"}
    assert worst["error"].is_monotonic_decreasing


def test_an_empty_split_is_told(bundle: Bundle, drawn: DrawnDataset):
    with pytest.raises(DatasetError, match="the test split is empty"):
        evaluate(TASK, bundle, drawn.test.iloc[:0], drawn.read)


def test_a_removed_image_is_told(bundle: Bundle, drawn: DrawnDataset):
    some = DrawnDataset(drawn.manifest, dict(list(drawn.images.items())[:-1]))
    with pytest.raises(DatasetError, match="make a new one"):
        evaluate(TASK, bundle, drawn.manifest, some.read)


def test_slices_count_every_image_once(scorecard: Scorecard):
    assert scorecard.slices["n"].sum() == len(scorecard.predictions)
    assert set(scorecard.slices["value"]) == {"A", "B"}


def frames(values: list) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every other image is right, none is decided."""
    ids = [str(n) for n in range(len(values))]
    right = [n % 2 == 0 for n in range(len(values))]
    said = {"image_id": ids, "correct": right, "defect": None, "decision": None}
    return pd.DataFrame({"image_id": ids, "x": values}), pd.DataFrame(said)


def test_numbers_with_many_values_are_cut_at_their_quartiles():
    found = slices(*frames([float(n) for n in range(100)]), ["x"])
    assert found["n"].tolist() == [25, 25, 25, 25]


def test_quartiles_that_lie_close_have_names_that_tell_them_apart():
    found = slices(*frames([1700000000.0 + n for n in range(100)]), ["x"])
    assert found["n"].tolist() == [25, 25, 25, 25]
    assert found["value"].is_unique


def test_the_slice_that_is_surely_bad_comes_first():
    found = slices(*frames(["A", "B", *["C"] * 40]), ["x"])
    assert found["value"].tolist()[0] == "C"
    assert ((found["low"] <= found["correct"]) & (found["correct"] <= found["high"])).all()


def test_rare_values_are_counted_together():
    found = slices(*frames([f"lot{n}" for n in range(25)]), ["x"])
    assert found.set_index("value").loc["others", "n"] == 5


def test_missing_values_are_a_slice_of_their_own():
    found = slices(*frames(["A", None, "A"]), ["x"])
    assert found.set_index("value").loc["missing", "correct"] == 0


def test_escapes_and_overkill_are_counted_among_the_images_that_they_are_about():
    rows, outcomes = frames(["A"] * 6 + ["B"] * 2)
    outcomes["defect"] = [True, True, True, False, False, None, False, True]
    outcomes["decision"] = ["pass", "review", "refuse", "refuse", "pass", "pass", "pass", None]
    found = slices(rows, outcomes, ["x"]).set_index("value").to_dict("index")
    assert (found["A"]["defects"], found["A"]["good"]) == (3, 2)
    assert found["A"]["escape_rate"] == pytest.approx(1 / 3)
    assert found["A"]["overkill_rate"] == 0.5
    assert (found["B"]["defects"], found["B"]["good"]) == (0, 1)
    assert np.isnan([found["B"][f"escape_rate{end}"] for end in ("", "_low", "_high")]).all()
    assert found["B"]["overkill_rate_high"] == pytest.approx(0.793, abs=1e-3)


def test_a_slice_by_an_unknown_column_is_told():
    with pytest.raises(SpecError, match=r"got \['y'\]"):
        slices(*frames(["A"]), ["y"])
