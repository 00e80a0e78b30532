"""Detection on real images: a short training on blood smears finds most cells."""

from pathlib import Path

import pytest

from benchmarks.quality.training import Trainings

pytestmark = [pytest.mark.real_data, pytest.mark.slow, pytest.mark.timeout(1800)]

SHORT = {"epochs": 6, "image_size_px": 128}


def test_a_short_training_finds_most_cells(real_data: Path, tmp_path: Path):
    found = Trainings(real_data, tmp_path, SHORT, threads=None).result("smears", 0)
    assert found.splits == {"train": 205, "val": 87, "test": 72}
    assert found.scorecard.metrics["mean_average_precision_50"] > 0.6
