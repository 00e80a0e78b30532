"""Images of a training live in a file without a name."""

import numpy as np
import pytest

from vision_assets.vision.errors import DatasetError, ImageRefused
from vision_assets.vision.inference.decode import decode
from vision_assets.vision.training.pixels import decoded
from vision_assets_tests.drawing import draw_jpeg


def read(ids):
    return ((each, draw_jpeg(int(each))) for each in ids)


def test_pixels_are_those_of_the_one_decoder(tmp_path):
    with decoded(["3", "1"], read, 32, 32, tmp_path) as pixels:
        assert np.array_equal(pixels[np.array([1, 0])], [decode(draw_jpeg(n)) for n in (1, 3)])


def test_an_image_that_a_use_case_took_is_decoded_however_small_it_is(tmp_path):
    with decoded(
        ["1"], lambda _: iter([("1", draw_jpeg(1, side_px=12))]), 32, 32, tmp_path
    ) as pixels:
        assert pixels.shape == (1, 32, 32, 3)


def test_a_part_is_a_view_of_the_same_images(tmp_path):
    with decoded(["3", "1", "2"], read, 32, 32, tmp_path) as pixels:
        part = pixels.part(1, 3)
        assert part.shape == (2, 32, 32, 3)
        assert np.array_equal(part[np.array([1])][0], decode(draw_jpeg(2)))


def test_several_threads_keep_the_order(tmp_path):
    ids = [str(n) for n in range(100)]
    with decoded(ids, read, 8, 8, tmp_path, threads=4) as several:
        found = several[np.arange(100)]
    with decoded(ids, read, 8, 8, tmp_path) as one:
        assert np.array_equal(found, one[np.arange(100)])


def test_no_file_is_left_even_while_they_are_used(tmp_path):
    with decoded(["1"], read, 16, 24, tmp_path) as pixels:
        assert pixels.shape == (1, 16, 24, 3)
        assert list(tmp_path.iterdir()) == []


def test_no_images_are_an_empty_array(tmp_path):
    with decoded([], read, 8, 8, tmp_path) as pixels:
        assert pixels.shape == (0, 8, 8, 3)


def test_a_store_that_gives_too_few_is_told(tmp_path):
    with (
        pytest.raises(DatasetError, match="expected 2 images, the store gave 1"),
        decoded(["1", "2"], lambda ids: read(ids[:1]), 8, 8, tmp_path),
    ):
        pass


def test_a_store_that_gives_another_image_is_told(tmp_path):
    with (
        pytest.raises(DatasetError, match="expected image 1, got 2"),
        decoded(["1", "2"], lambda ids: read(ids[::-1]), 8, 8, tmp_path),
    ):
        pass


def test_a_damaged_image_is_refused(tmp_path):
    with (
        pytest.raises(ImageRefused),
        decoded(["1"], lambda ids: ((each, b"damaged") for each in ids), 8, 8, tmp_path),
    ):
        pass
