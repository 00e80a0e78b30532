"""Real masks: lossy ones, small defects, tiles of any size, four of a defect class without any."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from benchmarks.quality.data import DATA
from benchmarks.quality.training import Trainings, filled_store
from vision_assets.vision.dataset.versions import DatasetVersions
from vision_assets.vision.objects import from_text
from vision_assets.vision.tasks.segmentation.class_map import class_map

pytestmark = pytest.mark.real_data

THRESHOLD = 128
SHORT = {"image_size_px": 64, "epochs": 2}


def mask_of(path: Path) -> np.ndarray:
    with Image.open(path.with_suffix(".png")) as image:
        return np.asarray(image.convert("L")) >= THRESHOLD


@pytest.fixture(scope="module")
def tiles(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The manifest of all tiles."""
    root = tmp_path_factory.mktemp("tiles")
    spec = DATA["tile_masks"].spec(real_data, {}, 0)
    return DatasetVersions(root / "datasets").create(filled_store(root, spec), spec).manifest()


def test_masks_come_back_pixel_by_pixel(tiles: pd.DataFrame, real_data: Path):
    for row in tiles[tiles["objects"].notna()][::10].to_dict("records"):
        objects, path = from_text(row["objects"]), real_data / "magnetic-tile" / row["source"]
        shown = class_map(
            objects, row["height"], row["width"], {each.class_id: 1 for each in objects}
        )
        expected = mask_of(path) if "MT_Free" not in row["source"] else np.zeros(shown.shape)
        assert np.array_equal(shown > 0, expected)


def test_a_defect_without_a_mask_is_in_no_split(tiles: pd.DataFrame):
    without = tiles[tiles["objects"].isna()]
    assert without["source"].str.contains("MT_Uneven").all()
    assert len(without) == 4
    assert not without["split"].isin(["train", "val", "test"]).any()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_short_training_runs_from_masks_to_figures(real_data: Path, tmp_path: Path):
    found = Trainings(real_data, tmp_path, SHORT, threads=1).result("tile_masks", 0).scorecard
    shown = found.per_class.set_index("label")["support"]
    assert shown["MT"] >= 70
    assert 0 <= found.metrics["defect_iou"] <= 1
    assert found.metrics["pixel_accuracy"] > 0.9
