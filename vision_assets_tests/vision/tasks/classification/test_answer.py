"""Scores become an answer."""

from datetime import UTC, datetime

import numpy as np
import pytest

from vision_assets.vision.inference.bundle import Card, CardClass, InputSize
from vision_assets.vision.inference.geometry.windows import whole
from vision_assets.vision.tasks.classification import answer

CARD = Card(
    task="classification",
    use_case="drawn",
    bundle_id="0" * 12,
    model_id="1" * 12,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    dataset={"name": "v0001", "fingerprint": "f"},
    code_version="0",
    input=InputSize(height_px=8, width_px=8),
    classes=(
        CardClass(id=7, name="good", defect=False),
        CardClass(id=3, name="crack", defect=True),
    ),
    files={},
)

PICTURE = whole(32, 32)


def outputs(*scores: float) -> dict[str, np.ndarray]:
    return {
        "scores": np.array([scores], np.float32),
        "activation": np.eye(4, dtype=np.float32)[None],
    }


def test_the_highest_score_decides_and_the_id_is_the_class_s_own():
    said = answer.to_answer(outputs(0.25, 0.75), CARD, PICTURE, {})
    assert said == {
        "label": "crack",
        "class_id": 3,
        "score": 0.75,
        "scores": {"good": 0.25, "crack": 0.75},
        "defect_score": 0.75,
        "decision": None,
    }


@pytest.mark.parametrize(("p", "decision"), [(0.1, "pass"), (0.25, "review"), (0.75, "refuse")])
def test_thresholds_decide_by_the_score_of_a_defect(p, decision):
    thresholds = {"pass_below": 0.25, "refuse_from": 0.75}
    assert answer.to_answer(outputs(1 - p, p), CARD, PICTURE, thresholds)["decision"] == decision


def test_answers_with_the_same_label_are_the_same():
    low, high, other = (
        answer.to_answer(outputs(1 - p, p), CARD, PICTURE, {}) for p in (0.6, 0.9, 0.2)
    )
    assert answer.same(low, high)
    assert not answer.same(low, other)


def test_the_difference_is_that_of_the_scores():
    assert answer.difference(outputs(0.25, 0.75), outputs(0.5, 0.5)) == pytest.approx(0.25)


def test_only_where_the_map_is_high_is_a_picture_tinted():
    pixels = np.full((32, 32, 3), 100, np.uint8)
    drawn = answer.draw(pixels, {"activation": np.diag([1.0, 0, 0, 0])[None]}, CARD, PICTURE)
    assert drawn[2, 2, 0] > 150
    assert (drawn[28, 28] == 100).all()


def test_a_flat_map_leaves_a_picture_alone():
    pixels = np.full((32, 32, 3), 100, np.uint8)
    assert np.array_equal(
        answer.draw(pixels, {"activation": np.ones((1, 4, 4))}, CARD, PICTURE), pixels
    )
