"""Pixel figures from counts per level, against their definitions."""

import numpy as np
import pytest
from scipy.ndimage import label
from sklearn.metrics import roc_auc_score

from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.tasks.anomaly.pixels import PixelFigures, mask_of


def made(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A mask of two regions, and a map that is higher on them."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((40, 50), bool)
    mask[5:9, 5:20] = mask[20:32, 30:33] = True
    values = rng.normal(80, 30, mask.shape) + mask * rng.uniform(10, 90)
    return mask, values.clip(0, 255).astype(np.uint8)


@pytest.fixture
def counted() -> PixelFigures:
    figures = PixelFigures()
    for seed in range(5):
        figures.update(*made(seed))
    return figures


def test_pixel_auroc_is_that_of_sklearn(counted: PixelFigures):
    masks, maps = zip(*map(made, range(5)), strict=True)
    expected = roc_auc_score(np.ravel(masks), np.ravel(maps))
    assert counted.metrics()["pixel_auroc"] == pytest.approx(expected)


def test_pro_is_the_mean_share_of_each_region(counted: PixelFigures):
    masks, maps = (np.stack(each) for each in zip(*map(made, range(5)), strict=True))
    false, overlap = [0.0], [0.0]
    for threshold in range(255, -1, -1):
        found = maps >= threshold
        shares = [
            found[index][numbers == region].mean()
            for index, numbers in enumerate(label(mask, np.ones((3, 3)))[0] for mask in masks)
            for region in range(1, int(numbers.max()) + 1)
        ]
        false.append(found[~masks].mean())
        overlap.append(float(np.mean(shares)))
    x = np.linspace(0, 0.3, 20_001)
    expected = np.trapezoid(np.interp(x, false, overlap), x) / 0.3
    assert counted.metrics()["pro"] == pytest.approx(expected, abs=1e-3)


def test_a_perfect_map_has_perfect_figures():
    figures = PixelFigures()
    mask, _ = made(0)
    figures.update(mask, mask.astype(np.uint8) * 255)
    assert figures.metrics() == pytest.approx({"pixel_auroc": 1, "pixel_f1": 1, "pro": 1})


@pytest.mark.parametrize("slant", [0, 1])
def test_a_thin_scratch_on_a_large_picture_is_one_region(slant: int):
    mask = np.zeros((1536, 1536), bool)
    columns = np.arange(100, 900)
    mask[300 + slant * columns // 3, columns] = True
    figures = PixelFigures()
    figures.update(mask, mask.astype(np.uint8) * 255)
    assert figures.regions == 1
    assert figures.metrics() == pytest.approx({"pixel_auroc": 1, "pixel_f1": 1, "pro": 1})


def test_normal_images_alone_have_no_pixel_figures():
    figures = PixelFigures()
    figures.update(np.zeros((4, 4), bool), np.zeros((2, 2), np.uint8))
    assert figures.metrics() == {}


def test_masks_come_from_objects_and_boxes_are_none():
    mask, _ = made(0)
    row = {"height": 40, "width": 50}
    pixels = to_text([AnnotatedObject(3, (5, 5, 33, 32), mask=encode(mask))])
    box = to_text([AnnotatedObject(3, (5, 5, 33, 32))])
    found = mask_of(row | {"objects": pixels}, True)
    assert found is not None
    assert np.array_equal(found, mask)
    assert mask_of(row | {"objects": box}, True) is None
    assert mask_of(row | {"objects": None}, True) is None


def test_every_pixel_of_a_normal_image_is_sound():
    found = mask_of({"height": 4, "width": 5, "objects": None}, False)
    assert found is not None
    assert not found.any()
