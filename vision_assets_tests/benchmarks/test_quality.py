"""What is measured on real images is measured the same way on drawn ones of the same layout."""

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.quality.data import DATA
from benchmarks.quality.rows import ROWS
from benchmarks.quality.training import Trainings, filled_store
from benchmarks.quality.verdict import Verdict, false_alarms, verdict
from vision_assets.vision.dataset.versions import DatasetVersion, DatasetVersions
from vision_assets.vision.objects import from_text
from vision_assets_tests.benchmarks.drawn_folders import draw_folders

SHORT = {"epochs": 1, "image_size_px": 32, "device": "cpu"}
CLASSES = {
    "steel": {"scratch", "spot"},
    "smears": {"scratch", "spot"},
    "steel_boxes": {"scratch", "spot"},
    "tile_masks": {"MT"},
    "normal_tiles": {"Free", "Scratch"},
}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_folders(tmp_path_factory.mktemp("images"))


def version_of(data: str, images: Path, work: Path, seed: int = 0) -> DatasetVersion:
    spec = DATA[data].spec(images, {}, seed)
    return DatasetVersions(work / str(seed)).create(filled_store(work, spec), spec)


@pytest.mark.parametrize("data", DATA)
def test_a_dataset_has_its_classes_in_three_splits(data: str, images: Path, tmp_path: Path):
    version = version_of(data, images, tmp_path)
    assert {entry.name for entry in version.classes} == CLASSES[data]
    assert set(version.manifest()["split"]) == {"train", "val", "test"}


def test_given_splits_of_smears_are_kept(images: Path, tmp_path: Path):
    manifest = version_of("smears", images, tmp_path).manifest()
    assert manifest["split"].value_counts().to_dict() == {"train": 12, "val": 4, "test": 4}


def test_all_defects_of_tiles_are_of_one_class_and_sound_tiles_have_none(
    images: Path, tmp_path: Path
):
    manifest = version_of("tile_masks", images, tmp_path).manifest()
    shown = manifest["objects"].map(from_text)
    sound = manifest["source"].str.contains("MT_Free")
    assert not shown[sound].map(len).any()
    assert (shown[~sound].map(len) == 1).all()


def test_each_seed_draws_other_normal_tiles(images: Path, tmp_path: Path):
    first, second = (version_of("normal_tiles", images, tmp_path, n).manifest() for n in (0, 1))
    assert first["image_id"].tolist() == second["image_id"].tolist()
    assert first["split"].tolist() != second["split"].tolist()


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS.keys())
def test_a_row_names_a_use_case_that_takes_its_recipe(row, images: Path):
    assert DATA[row.data].spec(images, SHORT, 3).recipe.seed == 3


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_measured(name: str, images: Path, tmp_path: Path):
    trainings = Trainings(images, tmp_path, SHORT, threads=1)
    row = ROWS[name]
    found = verdict(row, [trainings.result(row.data, seed) for seed in (0, 1)])
    assert all(0 <= value <= 1 for value in found.values)
    assert found.longest_s > 0
    assert len(found.false_alarms) == (3 if row.tests_promise else 0)


def test_what_two_rows_share_is_trained_once(images: Path, tmp_path: Path):
    trainings = Trainings(images, tmp_path, SHORT, threads=1)
    assert trainings.result("steel", 0) is trainings.result("steel", 0)


STEEL, ALARMS = ROWS["neu_steel"], ROWS["magnetic_tile_false_alarms"]


@pytest.mark.parametrize(
    ("values", "reached"),
    [((0.99, 0.99), "goal"), ((0.985, 0.986), "floor"), ((1.0, 0.97), "no"), ((0.98, 0.98), "no")],
)
def test_a_row_reaches_its_goal_or_its_floor(values: tuple[float, ...], reached: str):
    assert Verdict(STEEL, values, 1.0).reached == reached


@pytest.mark.parametrize(
    ("accuracy", "longest_s", "reached"),
    [(0.99, 300.0, "goal"), (0.99, 301.0, "over time"), (0.5, 301.0, "no")],
)
def test_a_figure_that_took_too_long_is_no_success(accuracy: float, longest_s: float, reached: str):
    assert Verdict(STEEL, (accuracy, accuracy), longest_s).reached == reached


def of_normal_images(refused: int, n: int) -> pd.DataFrame:
    decisions = ["refuse"] * refused + ["pass"] * (n - refused)
    return pd.DataFrame({"defect": False, "defect_score": 0.5, "decision": decisions})


@pytest.mark.parametrize(("refused", "reached"), [(5, "goal"), (30, "no")])
def test_a_broken_promise_is_no_success(refused: int, reached: str):
    tested = false_alarms([of_normal_images(refused, 100)] * 2, 0.05)
    assert [found.n for found in tested] == [100, 100, 200]
    assert Verdict(ALARMS, (1.0, 1.0), 1.0, tested).reached == reached


def test_a_promise_that_nothing_tests_is_said():
    with pytest.raises(ValueError, match="normal images in the test split"):
        false_alarms([of_normal_images(0, 0)], 0.05)
