"""Regions of a map: what belongs together, and its outline."""

from typing import Any, cast

import numpy as np
import pytest
from scipy.ndimage import binary_fill_holes, label

from vision_assets.vision.objects import fill
from vision_assets.vision.tasks.anomaly.answer.regions import components, find_regions, outlines_of


def noise(seed: int, density: float) -> np.ndarray:
    return np.random.default_rng(seed).random((23, 31)) < density


@pytest.mark.parametrize("seed", range(6))
def test_components_are_those_of_scipy(seed: int):
    mask = noise(seed, 0.1 + 0.15 * seed)
    found = components(mask)
    expected, _ = cast(Any, label(mask, np.ones((3, 3))))
    assert found.max() == expected.max()
    pairs = set(zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True))
    assert len(pairs) == found.max() + 1


def test_an_empty_mask_has_no_components():
    assert components(np.zeros((4, 5), bool)).max() == 0


@pytest.mark.parametrize("seed", range(6))
def test_outlines_filled_are_the_mask_without_its_holes(seed: int):
    mask = noise(seed, 0.45)
    for number in range(1, components(mask).max() + 1):
        cells = components(mask) == number
        outlines = [
            tuple(float(place) for corner in outline for place in corner)
            for outline in outlines_of(cells)
        ]
        filled = fill(outlines, *cells.shape)
        assert (filled & cells).sum() == cells.sum()
        assert not (filled & ~np.asarray(binary_fill_holes(cells))).any()


def test_a_rectangle_has_four_corners():
    cells = np.zeros((6, 8), bool)
    cells[2:5, 1:7] = True
    assert [set(outline) for outline in outlines_of(cells)] == [{(1, 2), (7, 2), (7, 5), (1, 5)}]


def test_the_highest_regions_come_first_and_their_number_is_bounded():
    values = np.zeros((3, 9))
    values[1, ::2] = [0.6, 0.9, 0.7, 0.8, 0.55]
    found = find_regions(values, 0.5, most=3)
    assert [region.score for region in found] == [0.9, 0.8, 0.7]
    assert found[0].box == (2, 1, 3, 2)
