"""Intervals of shares are Wilson's."""

import numpy as np
import pytest
from scipy.stats import binomtest

from vision_assets.vision.evaluation.share import wilson


@pytest.mark.parametrize(("successes", "n"), [(0, 5), (5, 5), (7, 20), (353, 360)])
def test_the_interval_is_that_of_scipy(successes: int, n: int):
    expected = binomtest(successes, n).proportion_ci(method="wilson")
    assert [float(end) for end in wilson(successes, n)] == pytest.approx(list(expected), abs=1e-6)


def test_of_no_images_nothing_is_known():
    assert [float(end) for end in wilson(0, 0)] == [0, 1]


def test_the_share_lies_inside_whatever_rounding_does():
    n = np.arange(1, 200)
    assert (wilson(n, n)[1] == 1).all()
    assert (wilson(0 * n, n)[0] == 0).all()
