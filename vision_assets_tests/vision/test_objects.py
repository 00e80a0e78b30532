import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.inference.answers import NOTHING_ID
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import (
    AnnotatedObject,
    fill,
    from_text,
    main_class,
    to_text,
)

COORDINATES = st.one_of(st.integers(0, 500), st.floats(0, 500))
BOXES = st.tuples(COORDINATES, COORDINATES, COORDINATES, COORDINATES)
POLYGONS = st.lists(COORDINATES, min_size=6, max_size=12).map(tuple)
OBJECTS = st.builds(
    AnnotatedObject,
    class_id=st.integers(0, 9),
    box=BOXES,
    polygons=st.lists(POLYGONS, max_size=2).map(tuple),
    mask=st.none() | st.just(encode(np.eye(4, dtype=bool))),
)


@given(st.lists(OBJECTS, max_size=4).map(tuple))
def test_objects_come_back_as_they_were(objects: tuple[AnnotatedObject, ...]):
    assert from_text(to_text(objects)) == objects


def test_a_box_is_filled_to_the_pixel():
    mask = AnnotatedObject(0, (2, 1, 5, 3)).pixels(6, 8)
    assert mask.sum() == 6
    assert mask[1:3, 2:5].all()


def inside(polygon: tuple[float, ...], x: float, y: float) -> bool:
    """Even-odd rule for one point."""
    points = list(zip(polygon[0::2], polygon[1::2], strict=True))
    found = False
    for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
        if (y1 <= y) != (y2 <= y) and x1 + (y - y1) / (y2 - y1) * (x2 - x1) <= x:
            found = not found
    return found


PLACES = st.integers(-8, 24).map(lambda quarters: quarters / 2) | st.floats(-5, 15)


@given(st.lists(st.lists(st.tuples(PLACES, PLACES), min_size=3, max_size=9), max_size=3))
def test_the_pixels_whose_centres_are_inside_are_filled(pieces: list[list[tuple[float, float]]]):
    polygons = [tuple(value for point in piece for value in point) for piece in pieces]
    expected = [
        [any(inside(each, x + 0.5, y + 0.5) for each in polygons) for x in range(10)]
        for y in range(7)
    ]
    assert fill(polygons, 7, 10).tolist() == expected


def test_an_outline_that_turns_around_hundreds_of_times_in_a_pixel_is_filled():
    spikes = [at for _ in range(300) for at in (3.2, 1.0, 3.2, 5.0)]
    assert fill([(*spikes, 0, 5, 0, 1)], 6, 6)[2].tolist() == [True] * 3 + [False] * 3


def test_small_objects_of_a_large_picture_take_no_memory_of_its_size():
    polygons = [(x, 10.0, x + 50.0, 10.0, x, 60.0) for x in (0.0, 1000.0, 3940.0)]
    tracemalloc.start()
    mask = fill(polygons, 3000, 4000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * mask.nbytes


def test_an_outline_goes_before_the_box():
    triangle = AnnotatedObject(0, (0, 0, 10, 10), polygons=((0, 0, 10, 0, 0, 10),))
    assert 0.4 < triangle.pixels(10, 10).mean() < 0.65


def test_a_mask_of_another_size_is_told():
    with pytest.raises(ValueError, match="expected a mask of 5 x 4"):
        AnnotatedObject(0, (0, 0, 1, 1), mask=encode(np.ones((2, 2), bool))).pixels(4, 5)


def test_the_largest_object_stands_for_its_image():
    small, large = AnnotatedObject(1, (0, 0, 2, 2)), AnnotatedObject(2, (0, 0, 9, 9))
    assert main_class([small, large]) == 2
    assert main_class([]) == NOTHING_ID
