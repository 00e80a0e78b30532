"""Workers of annotations, tasks and the memory bank measure on drawn images what they say."""

from pathlib import Path

import pytest

from benchmarks.__main__ import measure
from benchmarks.pictures import DATA_VARIABLE
from benchmarks.row import Row
from benchmarks.work import prepare, work
from vision_assets_tests.benchmarks.drawn_folders import DEFECTS, PER_CLASS, draw_folders

BOXES = PER_CLASS * len(DEFECTS)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folders(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("benchmarks")


@pytest.fixture(autouse=True)
def _drawn(images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(images))


@pytest.mark.parametrize(
    ("worker", "n"),
    [("voc", BOXES), ("voc_torchvision", BOXES), ("coco", 10 * BOXES), ("coco_faster", 10 * BOXES)],
)
def test_every_reader_reads_the_same_boxes(worker: str, n: int, folder: Path):
    prepare(f"annotations.{worker}", folder)
    figures = work(f"annotations.{worker}", folder)
    assert figures["objects"] == n
    assert figures["objects_per_s"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("task", ["detection", "segmentation", "anomaly"])
@pytest.mark.parametrize("side", ["", "_loader"])
def test_an_epoch_of_a_task_is_measured_on_both_sides(task: str, side: str, folder: Path):
    prepare(f"epochs.{task}{side}", folder)
    assert work(f"epochs.{task}{side}", folder)["images_per_s"] > 0


def test_a_row_whose_package_is_missing_says_so(folder: Path):
    row = Row("ours", "theirs", "loading.dagster", "loading.dagster", "seconds", "", ("no_such",))
    assert "not measured: needs no_such" in measure(row, 1, folder)
