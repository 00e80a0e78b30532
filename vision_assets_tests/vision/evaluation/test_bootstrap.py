"""Intervals hold what they promise, and know what depends on what."""

import time

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.bootstrap import intervals, paired_differences
from vision_assets.vision.evaluation.costs import decision_figures
from vision_assets.vision.tasks.registry import load_task
from vision_assets_tests.vision.evaluation.outcomes import COSTS, outcomes

FIGURES = load_task("classification").figures


def drawn(n: int, accuracy: float, seed: int) -> pd.DataFrame:
    """Outcomes of two classes, each right with the same probability."""
    right = np.random.default_rng(seed).random(n) < accuracy
    labels = ["good", "scratch"] * (n // 2)
    other = {"good": "scratch", "scratch": "good"}
    predicted = [label if ok else other[label] for label, ok in zip(labels, right, strict=True)]
    return outcomes(labels, predicted, [0.5] * n)


@pytest.mark.parametrize("accuracy", [0.8, 0.97])
def test_about_95_of_100_intervals_hold_the_true_accuracy(accuracy: float):
    held = 0
    for seed in range(200):
        found = intervals(drawn(100, accuracy, seed), FIGURES, resamples=400)["accuracy"]
        held += found.low <= accuracy <= found.high
    assert 0.90 <= held / 200 <= 0.995


def test_about_95_of_100_paired_intervals_hold_the_true_difference():
    held = 0
    for seed in range(200):
        one, other = drawn(100, 0.9, seed), drawn(100, 0.85, seed + 1000)
        found = paired_differences(one, other, FIGURES, resamples=400)["accuracy"]
        held += found.low <= 0.05 <= found.high
    assert 0.90 <= held / 200 <= 0.99


def test_intervals_of_few_groups_are_as_wide_as_there_are_few():
    """Ten groups of ten images that are all alike say as much as ten images."""
    of_ten = drawn(10, 0.7, 3)
    of_hundred = of_ten.loc[of_ten.index.repeat(10)].reset_index(drop=True)
    of_hundred["group"] = of_hundred["image_id"]
    of_hundred["image_id"] = [f"{index:06d}" for index in range(100)]
    few = intervals(of_ten, FIGURES)["accuracy"]
    grouped = intervals(of_hundred, FIGURES)["accuracy"]
    alone = intervals(of_hundred.drop(columns="group"), FIGURES)["accuracy"]
    assert (grouped.low, grouped.high) == (few.low, few.high)
    assert alone.high - alone.low < 0.5 * (few.high - few.low)


def test_a_group_of_several_labels_is_drawn_whole():
    table = drawn(40, 0.8, 0).assign(group=[str(index // 4) for index in range(40)])
    found = intervals(table, FIGURES)["accuracy"]
    assert found.low < found.value < found.high


def test_without_a_mistake_the_exact_bound_takes_over():
    """Clopper and Pearson: 0.025 ** (1 / 20) = 0.8316."""
    found = intervals(drawn(20, 1.1, 0), FIGURES)["accuracy"]
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(0.8316, abs=1e-4)


def of_one_crack(found: int) -> pd.DataFrame:
    """200 good parts, and 20 images of one scratched part, of which so many are right."""
    labels = ["good"] * 200 + ["scratch"] * 20
    predicted = ["good"] * (220 - found) + ["scratch"] * found
    table = outcomes(labels, predicted, [0.1] * (220 - found) + [0.9] * found)
    return table.assign(group=[str(n) for n in range(200)] + ["one part"] * 20)


@pytest.mark.parametrize("figure", ["recall/scratch", "precision/scratch", "f1/scratch"])
def test_a_class_of_one_part_is_as_sure_as_one_image(figure: str):
    """Clopper and Pearson: 0.025 ** (1 / 1)."""
    found = intervals(of_one_crack(20), FIGURES)
    assert (found[figure].value, found[figure].high) == (1, 1)
    assert found[figure].low == pytest.approx(0.025)
    assert found["recall/good"].low == pytest.approx(0.025 ** (1 / 200))
    assert found["balanced_accuracy"].low < 0.5


def test_a_class_of_one_part_that_is_partly_right_is_as_unsure():
    found = intervals(of_one_crack(12), FIGURES)["recall/scratch"]
    assert found.value == 0.6
    assert found.low < 0.05 < 0.95 < found.high


def test_no_escape_of_one_part_is_no_proof():
    found = intervals(of_one_crack(20), lambda *of: decision_figures(*of, COSTS))
    assert found["escape_rate"].high == pytest.approx(0.975)
    assert found["escape_rate/scratch"].high == pytest.approx(0.975)
    assert found["overkill_rate"].high == pytest.approx(1 - 0.025 ** (1 / 200))


def test_a_group_of_several_labels_counts_once_in_a_figure_of_all():
    labels = ["good", "scratch"] * 20
    table = outcomes(labels, labels, [0.5] * 40).assign(group=[str(n // 4) for n in range(40)])
    found = intervals(table, FIGURES)
    assert found["accuracy"].low == pytest.approx(0.025 ** (1 / 10))
    assert found["recall/good"].low == pytest.approx(0.025 ** (1 / 10))


def test_no_escape_among_few_defects_is_no_proof():
    table = outcomes(["good"] * 90 + ["scratch"] * 10, ["good"] * 100, [0.1] * 90 + [0.9] * 10)
    found = intervals(table, lambda rows, weights: decision_figures(rows, weights, COSTS))
    assert found["escape_rate"].value == 0
    assert found["escape_rate"].high == pytest.approx(1 - 0.025**0.1)
    assert found["overkill_rate"].high == pytest.approx(1 - 0.025 ** (1 / 90))


def test_a_mean_over_classes_is_as_sure_as_its_smallest_class():
    labels = ["good"] * 96 + ["scratch"] * 4
    found = intervals(outcomes(labels, labels, [0.5] * 100), FIGURES)
    assert found["balanced_accuracy"].low < 0.8 < 0.95 < found["accuracy"].low


def test_the_order_of_rows_changes_nothing():
    table = drawn(60, 0.8, 1).assign(group=[str(index // 2) for index in range(60)])
    shuffled = table.sample(frac=1, random_state=2)
    assert intervals(shuffled, FIGURES) == intervals(table, FIGURES)


def test_the_same_answers_differ_by_nothing():
    table = drawn(50, 0.8, 0)
    found = paired_differences(table, table, FIGURES)["accuracy"]
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_a_difference_is_surer_than_its_two_sides():
    one = drawn(200, 0.8, 0)
    other = one.assign(correct=one["correct"] & (one.index > 3))
    found = paired_differences(one, other, FIGURES)["accuracy"]
    side = intervals(one, FIGURES)["accuracy"]
    assert found.high - found.low < 0.4 * (side.high - side.low)


def test_different_images_are_not_compared():
    with pytest.raises(DatasetError, match="evaluate both bundles on the same rows"):
        paired_differences(drawn(10, 0.8, 0), drawn(12, 0.8, 0), FIGURES)


def test_two_thousand_resamples_of_a_thousand_images_take_about_a_second():
    table = drawn(1000, 0.9, 0)
    began = time.process_time()
    intervals(table, FIGURES)
    assert time.process_time() - began < 3
