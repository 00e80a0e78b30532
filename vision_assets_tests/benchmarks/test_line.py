"""A line of the table says what was measured."""

from pathlib import Path

import pytest

from benchmarks import __main__ as table
from benchmarks.rows import ROWS

FIGURES = {
    "training.epoch": {"first_images_per_s": 200.0, "decoding_s": 2.0},
    "training.epoch_image_folder:2": {"first_images_per_s": 150.0},
}


def test_the_first_epoch_and_the_decoding_before_it_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def run(_step: str, worker: str, _folder: Path) -> dict[str, float]:
        return {"images_per_s": 400.0, "peak_mb": 1.0} | FIGURES[worker]

    monkeypatch.setattr(table, "_run", run)
    line = table.measure(ROWS["loader"], 3, tmp_path)
    assert "| 400 (first 200 after 2 s of decoding) | 400 (first 150) |" in line
