"""One number says how much speaks for a defect, and the val split what it is worth."""

import numpy as np
import pytest

from vision_assets.vision.tasks.segmentation.answer.evidence import (
    defect_score,
    evidence,
    evidence_logit,
)
from vision_assets.vision.tasks.segmentation.calibration import platt


def levels_with(side_px: int, of_class: int, patch: int, level: int = 255) -> np.ndarray:
    levels = np.zeros((1, 3, 64, 64), np.uint8)
    levels[0, 0] = 255
    levels[0, of_class, 10 : 10 + patch, 20 : 20 + patch] = level
    return levels[:, :, :side_px, :side_px]


def test_a_single_pixel_does_not_decide():
    assert evidence(levels_with(64, 1, 1), [False, True, True])[0] == pytest.approx(0.25)
    assert evidence(levels_with(64, 1, 2), [False, True, True])[0] == 1


def test_classes_that_are_no_defect_do_not_count():
    assert evidence(levels_with(64, 2, 9), [False, True, False])[0] == 0
    assert evidence(levels_with(64, 2, 9), [False, False, False])[0] == 0


def test_the_view_with_most_evidence_counts():
    found = np.array([0.1, 0.9, 0.3])
    assert defect_score(found, {}) == pytest.approx(0.9)


def test_the_calibration_turns_evidence_into_probability():
    calibration = {"defect_slope": 2.0, "defect_offset": -1.0}
    logit = 2 * np.log(0.8 / 0.2) - 1
    assert defect_score(np.array([0.8]), calibration) == pytest.approx(1 / (1 + np.exp(-logit)))


def test_scaling_finds_the_line_that_scores_came_from():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, 20_000)
    shows = rng.random(20_000) < 1 / (1 + np.exp(-(0.5 * logits - 1)))
    assert platt(logits, shows) == pytest.approx((0.5, -1), abs=0.06)


def test_where_all_views_show_the_same_nothing_is_scaled():
    assert platt(np.ones(30), np.ones(30, bool)) == (1.0, 0.0)


def test_log_odds_are_bounded():
    assert np.abs(evidence_logit(np.array([0.0, 1.0]))).max() < 7
