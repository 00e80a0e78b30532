import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.inference.answers import NOTHING_ID
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import (
    AnnotatedObject,
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
