"""Scores are held against what they promise."""

import numpy as np
import pytest

from vision_assets.vision.evaluation.calibration import expected_calibration_error, reliability


def test_bins_hold_equally_many_images():
    rng = np.random.default_rng(0)
    bins = reliability(rng.beta(8, 1, 240), rng.random(240) < 0.5)
    assert set(bins["n"]) == {20}
    assert bins["score"].is_monotonic_increasing


def test_scores_that_keep_their_promise_have_a_small_error():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.5, 1, 20_000)
    assert expected_calibration_error(reliability(scores, rng.random(20_000) < scores)) < 0.02


def test_scores_that_promise_too_much_have_the_error_that_they_promise_too_much():
    scores, correct = np.full(1000, 0.9), np.arange(1000) % 2 == 0
    assert expected_calibration_error(reliability(scores, correct)) == pytest.approx(0.4, abs=0.02)


def test_few_images_are_one_bin_and_none_are_none():
    assert reliability([0.8, 0.6], [True, False])["n"].tolist() == [2]
    assert expected_calibration_error(reliability([], [])) == 0
