"""Views become one map of the picture, whatever the size of the bands."""

import tracemalloc

import numpy as np
import pytest
from PIL import Image

from vision_assets.vision.inference.geometry.windows import tiled, whole
from vision_assets.vision.tasks.segmentation.answer import merging
from vision_assets.vision.tasks.segmentation.answer.merging import bands, merged


def some_levels(views: int, classes: int, side_px: int) -> np.ndarray:
    rng = np.random.default_rng(views)
    return rng.integers(0, 256, (views, classes, side_px, side_px)).astype(np.uint8)


def test_a_picture_that_is_seen_at_once_is_enlarged_by_the_one_resize():
    levels = some_levels(1, 3, 16)
    ((top, band),) = bands(levels, whole(50, 70))
    expected = [Image.fromarray(level).resize((70, 50), 2) for level in levels[0]]
    assert top == 0
    assert np.array_equal(band, np.stack([np.asarray(each) for each in expected]))


@pytest.mark.parametrize("rows", [1, 7, 33])
def test_the_height_of_bands_changes_nothing(monkeypatch: pytest.MonkeyPatch, rows: int):
    picture = tiled(90, 110, 64, 0.25)
    levels = some_levels(len(picture.windows), 3, 32)
    expected = np.concatenate([band for _, band in bands(levels, picture)], 1)
    monkeypatch.setattr(merging, "_BAND_BYTES", rows * 3 * 110 * 2)
    found = list(bands(levels, picture))
    assert len(found) == -(-90 // rows)
    joined = np.concatenate([band for _, band in found], 1).astype(int)
    assert np.abs(joined - expected).max() <= 1


def test_where_tiles_overlap_the_mean_counts():
    picture = tiled(32, 48, 32, 0.5)
    levels = np.zeros((2, 2, 32, 32), np.uint8)
    levels[0, 1], levels[1, 1] = 100, 200
    ((_, band),) = bands(levels, picture)
    assert band[1, 0, [0, 20, 40]].tolist() == [100, 150, 200]


def test_of_equally_likely_classes_the_background_wins():
    classes, surest = merged(np.full((1, 3, 4, 4), 85, np.uint8), whole(4, 4))
    assert not classes.any()
    assert (surest == 85).all()


def test_many_classes_of_a_large_picture_need_bounded_memory():
    levels = some_levels(1, 20, 64)
    tracemalloc.start()
    merged(levels, whole(3000, 4000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    maps, all_classes = 2 * 3000 * 4000, 20 * 3000 * 4000
    assert peak < maps + 80e6 < all_classes


@pytest.mark.parametrize("seed", range(5))
def test_classes_that_can_win_nowhere_are_left_out_without_a_difference(seed: int):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([3, 0.2, 0.2, 0.2, 0.2], (1, 12, 12)).transpose(0, 3, 1, 2)
    levels = (shares * 255).round().astype(np.uint8)
    ((_, band),) = bands(levels, whole(40, 40))
    classes, surest = merged(levels, whole(40, 40))
    assert np.array_equal(classes, band.argmax(0))
    assert np.array_equal(surest, band.max(0))
