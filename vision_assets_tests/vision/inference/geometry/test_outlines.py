"""Polygons that are filled again give the mask that they were traced from."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from vision_assets.vision.inference.geometry.outlines import outlines, simplified, traced
from vision_assets.vision.objects import fill

MASKS = arrays(bool, st.tuples(st.integers(1, 16), st.integers(1, 16)))


@settings(deadline=None)
@given(MASKS)
def test_the_loops_around_a_mask_enclose_it(mask: np.ndarray):
    inside = np.zeros(mask.shape, bool)
    for loop in traced(mask):
        inside ^= fill([tuple(np.ravel(loop))], *mask.shape)
    assert np.array_equal(inside, mask)


@settings(deadline=None)
@given(MASKS)
def test_loops_have_a_corner_at_every_point(mask: np.ndarray):
    for loop in traced(mask):
        points = np.array(loop)
        steps = np.roll(points, -1, axis=0) - points
        assert ((steps == 0).sum(1) == 1).all()


def test_a_disc_is_told_in_few_points():
    y, x = np.mgrid[:100, :100]
    disc = (x - 50) ** 2 + (y - 50) ** 2 < 40**2
    (polygon,) = outlines(disc, 0, 0)
    again = fill([tuple(polygon)], 100, 100)
    assert len(polygon) < 140
    assert (again & disc).sum() / (again | disc).sum() > 0.97


def test_a_large_mask_is_traced_on_a_smaller_copy():
    mask = np.zeros((900, 1800), bool)
    mask[100:800, 200:1700] = True
    (polygon,) = outlines(mask, 1000, 50)
    xs, ys = polygon[::2], polygon[1::2]
    assert np.allclose([min(xs), max(xs)], [1200, 2700], atol=8)
    assert np.allclose([min(ys), max(ys)], [150, 850], atol=8)


def test_holes_are_not_told():
    ring = np.ones((20, 20), bool)
    ring[5:15, 5:15] = False
    (polygon,) = outlines(ring, 0, 0)
    assert np.array_equal(fill([tuple(polygon)], 20, 20), ndimage.binary_fill_holes(ring))


def test_a_straight_line_needs_no_points_between():
    points = np.array([(0, 0), (5, 0), (10, 0), (10, 10), (0, 10)], float)
    assert simplified(points, 0.5).tolist() == [[0, 0], [10, 0], [10, 10], [0, 10]]
