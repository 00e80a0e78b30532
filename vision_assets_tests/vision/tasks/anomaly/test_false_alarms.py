"""Thresholds that keep a rate of false alarms, from normal images alone."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, norm

from vision_assets.vision.inference.decision import PASS_BELOW, REFUSE_FROM
from vision_assets.vision.parity import MAX_DIFFERENCE
from vision_assets.vision.tasks.anomaly.false_alarms import (
    PROMISED_RATE,
    choose,
    images_needed,
    kept,
    threshold,
)
from vision_assets.vision.tasks.anomaly.spec import FalseAlarmSpec

NO_SCORES = np.empty(0)


def outcomes(normal: np.ndarray, defects: np.ndarray = NO_SCORES) -> pd.DataFrame:
    scores = np.concatenate([normal, defects])
    return pd.DataFrame(
        {
            "defect": [False] * len(normal) + [True] * len(defects),
            "defect_score": scores,
            "decision": None,
        }
    )


def uniform(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random(n)


def test_the_rate_is_kept_as_often_as_the_confidence_says():
    kept_by = [1 - threshold(uniform(200, seed), 0.05, 0.9).value <= 0.05 for seed in range(600)]
    assert 0.87 <= np.mean(kept_by) <= 0.96


def test_one_image_more_above_would_break_the_promise():
    found = threshold(uniform(300), 0.05, 0.95)
    assert found.bound <= 0.05 < beta.ppf(0.95, found.above + 2, 300 - found.above - 1)
    assert (uniform(300) >= found.value).sum() == found.above


def test_rounding_moves_no_image_across_the_threshold():
    scores = uniform(100)
    found = threshold(scores, 0.05, 0.95)
    assert np.abs(scores - found.value).min() > MAX_DIFFERENCE / 2
    assert (scores + MAX_DIFFERENCE / 2 >= found.value).sum() == found.above


def test_too_few_images_are_told_with_how_many_are_needed():
    assert images_needed(0.05, 0.95) == 59
    chosen = choose(outcomes(uniform(30)), FalseAlarmSpec())
    assert "59 are needed" in chosen.origin
    assert chosen.thresholds[REFUSE_FROM] > uniform(30).max()


def test_just_enough_images_are_enough():
    assert threshold(uniform(58), 0.05, 0.95).bound > 0.05
    assert threshold(uniform(59), 0.05, 0.95).bound <= 0.05


def test_defects_do_not_move_the_threshold():
    alone = choose(outcomes(uniform(100)), FalseAlarmSpec())
    beside = choose(outcomes(uniform(100), uniform(50, 1)), FalseAlarmSpec())
    assert alone == beside


def test_shots_of_one_part_count_once():
    """Clopper and Pearson's bound holds for independent parts: 60 of them, five shots each."""
    kept_by = []
    for seed in range(300):
        parts, noise = np.random.default_rng(seed).normal(size=(2, 60, 5))
        scores = (parts[:, :1] + 0.1 * noise).ravel()
        seen = outcomes(scores).assign(group=np.repeat(np.arange(60), 5).astype(str))
        refuse_from = choose(seen, FalseAlarmSpec()).thresholds[REFUSE_FROM]
        kept_by.append(norm.sf(refuse_from / np.hypot(1, 0.1)) <= 0.05)
    assert np.mean(kept_by) >= 0.95


def test_groups_are_told_where_images_depend_on_each_other():
    seen = outcomes(uniform(100)).assign(group=[str(n // 5) for n in range(100)])
    assert "highest score of 20 groups of normal images" in choose(seen, FalseAlarmSpec()).origin


def test_images_without_a_group_count_each():
    seen = outcomes(uniform(100))
    alone = seen.assign(group=[str(n) for n in range(100)])
    unknown = seen.assign(group=None)
    assert choose(seen, FalseAlarmSpec()) == choose(alone, FalseAlarmSpec())
    assert choose(seen, FalseAlarmSpec()) == choose(unknown, FalseAlarmSpec())


def test_the_card_says_which_rate_was_asked_for():
    assert choose(outcomes(uniform(100)), FalseAlarmSpec(rate=0.1)).options[PROMISED_RATE] == "0.1"


def test_parts_above_a_larger_rate_go_to_review():
    chosen = choose(outcomes(uniform(500)), FalseAlarmSpec(rate=0.02, review=0.1)).thresholds
    assert 0.85 < chosen[PASS_BELOW] < chosen[REFUSE_FROM]


def test_a_review_rate_has_to_be_the_larger_one():
    with pytest.raises(ValueError, match=r"above false_alarms.rate, which is 0.05, got 0.01"):
        FalseAlarmSpec(review=0.01)


def test_without_normal_images_nothing_is_decided():
    assert choose(None, FalseAlarmSpec()).thresholds == {}
    assert "raise splits.val" in choose(outcomes(np.empty(0), uniform(5)), FalseAlarmSpec()).origin


@pytest.mark.parametrize(("refused", "refuted"), [(5, False), (20, True)])
def test_a_promise_is_tested_on_other_normal_images(refused: int, refuted: bool):
    seen = outcomes(uniform(100)).assign(decision=["refuse"] * refused + ["pass"] * (100 - refused))
    found = kept(seen, 0.05)
    assert found is not None
    assert (found.p_value < 0.01) == refuted


def test_a_part_that_was_refused_in_all_of_its_shots_is_one_false_alarm():
    seen = outcomes(uniform(100)).assign(decision=["refuse"] * 20 + ["pass"] * 80)
    found = kept(seen.assign(group=[str(n // 20) for n in range(100)]), 0.05)
    assert found is not None
    assert (found.refused, found.n) == (1, 5)
    assert found.counted == "groups of normal images"
