"""Bursts of two servers give a ratio and how sure it is."""

import numpy as np
import pytest

from benchmarks.bursts import compared


def bursts(rates: list[float]) -> list[dict[str, float]]:
    return [{"images_per_s": rate} for rate in rates]


def test_the_same_rates_have_the_ratio_one_whatever_the_machine_does():
    speed = [100.0, 50.0, 200.0, 80.0]
    found = compared(bursts(speed), bursts(speed))
    assert found["images_per_s_ratio"] == found["images_per_s_low"] == 1
    assert found["images_per_s_ours"] == found["images_per_s_other"] == 90


def test_the_interval_holds_the_true_ratio_and_narrows_with_bursts():
    rng = np.random.default_rng(0)

    def width(n: int) -> float:
        ours, other = (list(rng.normal(mean, 10, n)) for mean in (90, 100))
        found = compared(bursts(ours), bursts(other))
        assert found["images_per_s_low"] <= 0.9 <= found["images_per_s_high"]
        return found["images_per_s_high"] - found["images_per_s_low"]

    assert width(400) < width(25)


def test_every_figure_is_compared():
    found = compared([{"a": 1, "b": 4}], [{"a": 2, "b": 1}])
    assert found["a_ratio"] == pytest.approx(0.5)
    assert found["b_ratio"] == pytest.approx(4)
