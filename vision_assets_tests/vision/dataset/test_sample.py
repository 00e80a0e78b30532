"""A few images, and a few views of these, that stand for all."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vision_assets.vision.dataset.sample import spread_sample, spread_views
from vision_assets.vision.export import write_with_golden
from vision_assets.vision.inference.bundle import MODEL_FILE, Bundle, InputSize, Tiling
from vision_assets.vision.inference.golden import GOLDEN_FILE
from vision_assets.vision.inference.predictor import Predictor
from vision_assets_tests.drawing import encode
from vision_assets_tests.vision.dataset.drawn_dataset import DrawnDataset

PLACES = np.arange(16, dtype=np.uint8).reshape(4, 4) * 10
PICTURE = encode(np.kron(PLACES, np.ones((32, 32), np.uint8)), "PNG")
"""Of 16 tiles, each of a grey level of its own."""


@pytest.fixture
def tiled(bundle: Bundle, tmp_path: Path) -> Callable[[list[bytes]], Bundle]:
    """A bundle that sees pictures in tiles of 32 px, with golden images."""
    seen = InputSize(height_px=32, width_px=32, tiling=Tiling(tile_px=32, overlap=0))
    card = bundle.card.model_copy(update={"input": seen})
    return lambda golden: write_with_golden(tmp_path, card, bundle.read(MODEL_FILE), golden)


def test_a_sample_is_spread_over_the_classes_of_train(drawn: DrawnDataset):
    rows = drawn.manifest.set_index("image_id").loc[spread_sample(drawn.manifest, 7)]
    assert set(rows["split"]) == {"train"}
    assert sorted(rows["label"].value_counts()) == [2, 2, 3]


def test_no_threshold_and_no_test_sees_a_sample(drawn: DrawnDataset):
    manifest = drawn.manifest[drawn.manifest["split"] != "train"]
    assert spread_sample(manifest, 5) == []


@pytest.mark.parametrize(("n", "each"), [(1, 16), (2, 128), (16, 1), (100, 2)])
def test_views_come_from_every_place(tiled: Callable[[list[bytes]], Bundle], n: int, each: int):
    predictor = Predictor(tiled([]))
    seen = [int(view[0, 0, 0]) for view in spread_views(predictor, [PICTURE] * n, each)]
    assert len(seen) == n * min(each, PLACES.size)
    assert set(seen) == set(PLACES.ravel().tolist())


@pytest.mark.parametrize(("n", "levels"), [(1, [80]), (4, [20, 60, 100, 140])])
def test_golden_images_are_of_other_places_than_the_first_tile(
    tiled: Callable[[list[bytes]], Bundle], n: int, levels: list[int]
):
    with np.load(io.BytesIO(tiled([PICTURE] * n).read(GOLDEN_FILE))) as arrays:
        assert arrays["images"][:, 0, 0, 0].tolist() == levels
