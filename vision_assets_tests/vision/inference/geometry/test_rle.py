from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vision_assets.vision.inference.geometry.rle import Rle, area, decode, encode, encode_part

MASKS = arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(MASKS)
def test_a_mask_comes_back_as_it_was(mask: np.ndarray):
    assert np.array_equal(decode(encode(mask)), mask)
    assert area(encode(mask)) == mask.sum()


@given(MASKS)
def test_runs_that_are_not_compressed_are_read_too(mask: np.ndarray):
    flat = np.concatenate([[False], mask.ravel(order="F"), [False]]).astype(int)
    bounds = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate([[0], bounds, [mask.size]])).tolist()
    found = Rle.from_json({"size": list(mask.shape), "counts": runs})
    assert np.array_equal(decode(found), mask)


def test_the_form_is_that_of_coco():
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    assert encode(mask).counts == "5220003", "runs 5 2 2 2 2 2 5, as differences"


@given(st.text(max_size=30))
def test_damaged_texts_are_told(text: str):
    with suppress(ValueError):
        assert decode(Rle(5, 7, text)).shape == (5, 7)


@pytest.mark.parametrize("size", [[0, 4], [-1, 4], [1 << 20, 1 << 20]])
def test_a_size_out_of_bounds_is_told(size: list[int]):
    with pytest.raises(ValueError, match="expected a mask"):
        Rle.from_json({"size": size, "counts": ""})


@given(MASKS, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_a_part_is_written_as_the_whole_would_be(
    part: np.ndarray, left: int, top: int, right: int, below: int
):
    whole = np.pad(part, ((top, below), (left, right)))
    assert encode_part(part, left, top, *whole.shape) == encode(whole)
