"""Temperature makes scores as sure as they are right."""

import numpy as np
import pytest

from vision_assets.vision.training.temperature import temperature


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_that_logits_were_multiplied_by_is_found(true: float):
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (4000, 4))
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    targets = np.array([generator.choice(4, p=share) for share in shares])
    assert temperature(logits * true, targets) == pytest.approx(true, rel=0.1)


def test_few_images_leave_the_scores_alone():
    assert temperature(np.zeros((0, 0)), np.zeros(0, np.int64)) == 1.0
    assert temperature(np.eye(3) * 9, np.arange(3)) == 1.0


def test_scores_are_no_certainties_where_every_answer_is_right():
    targets = np.arange(40) % 2
    logits = np.eye(2)[targets] * 3.0
    found = temperature(logits, targets)
    share = 1 / (1 + np.exp(-3.0 / found))
    assert share == pytest.approx(41 / 42, abs=0.005)
