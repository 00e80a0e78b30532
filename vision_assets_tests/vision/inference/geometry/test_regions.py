"""Regions are the connected parts of a map, as scipy finds them pixel by pixel."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from vision_assets.vision.inference.geometry.regions import regions

SIDES = st.tuples(st.integers(1, 24), st.integers(1, 24))
MAPS = arrays(np.uint8, SIDES, elements=st.integers(0, 2))
TOUCHING = np.ones((3, 3))


def whole(region, shape) -> bytes:
    mask = np.zeros(shape, bool)
    left, top, right, bottom = region.box
    mask[top:bottom, left:right] = region.mask
    return mask.tobytes()


@settings(deadline=None)
@given(MAPS)
def test_they_are_the_connected_parts(classes: np.ndarray):
    expected = set()
    for index in (1, 2):
        labels, n = ndimage.label(classes == index, TOUCHING)
        expected |= {(index, (labels == part + 1).tobytes()) for part in range(n)}
    found = regions(classes, classes, 1, classes.size)
    assert {(each.index, whole(each, classes.shape)) for each in found} == expected
    assert len(found) == len(expected)


@settings(deadline=None)
@given(MAPS, st.integers(0, 2**32 - 1))
def test_area_and_level_are_those_of_the_pixels(classes: np.ndarray, seed: int):
    levels = np.random.default_rng(seed).integers(0, 256, classes.shape).astype(np.uint8)
    for each in regions(classes, levels, 1, classes.size):
        mask = np.frombuffer(whole(each, classes.shape), bool).reshape(classes.shape)
        assert each.area_px == mask.sum()
        assert np.isclose(each.level, levels[mask].mean())
        assert each.peak == levels[mask].max()


def test_the_largest_come_first_and_small_ones_are_left_out():
    classes = np.zeros((10, 10), np.uint8)
    classes[0, 0], classes[2:4, 2:4], classes[6:9, 6:9] = 1, 1, 2
    assert [each.area_px for each in regions(classes, classes, 4, 100)] == [9, 4]
    assert [each.area_px for each in regions(classes, classes, 1, 1)] == [9]


def test_the_highest_come_first_where_asked_for():
    levels = np.zeros((3, 9))
    levels[1, ::2] = [0.6, 0.9, 0.7, 0.8, 0.55]
    found = regions(levels >= 0.5, levels, 1, 3, first="highest")
    assert [each.peak for each in found] == [0.9, 0.8, 0.7]
    assert found[0].box == (2, 1, 3, 2)


def test_a_spiral_is_one_region():
    classes = np.zeros((65, 65), np.uint8)
    for ring in range(0, 32, 2):
        classes[ring, ring : 64 - ring] = 1
        classes[ring : 64 - ring, 63 - ring] = 1
        classes[63 - ring, ring + 1 : 64 - ring] = 1
        classes[ring + 2 : 64 - ring, ring + 1] = 1
    assert ndimage.label(classes, TOUCHING)[1] == len(regions(classes, classes, 1, 1000))


def test_nothing_has_no_regions():
    nothing = np.zeros((5, 7), np.uint8)
    assert regions(nothing, nothing, 1, 100) == []
