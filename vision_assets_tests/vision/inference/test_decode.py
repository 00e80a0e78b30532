"""Every mode and format becomes RGB; anything else is an ImageRefused with its reason."""

import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from vision_assets.vision.errors import ImageRefused, Reason
from vision_assets.vision.inference.decode import (
    Limits,
    check_header,
    decode,
    decode_grey,
    read_header,
)
from vision_assets_tests.drawing import draw_jpeg, draw_pixels, encode

GREY = draw_pixels(0, "scratch", side_px=24)
COLOUR = np.stack([GREY, GREY // 2, 255 - GREY], axis=-1)
LIMITS = Limits(min_side_px=1, max_pixels=100_000)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def reason_of(data: bytes) -> Reason:
    with pytest.raises(ImageRefused) as refused:
        decode(data)
    return refused.value.reason


def turned(orientation: int, format: str) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(COLOUR, format, exif=exif)


@pytest.mark.parametrize("format", ["PNG", "TIFF", "BMP"])
def test_lossless_colour_comes_back_as_it_was(format: str):
    assert (decode(encode(COLOUR, format)) == COLOUR).all()


def test_jpeg_pixels_are_those_of_pillow():
    data = encode(COLOUR, "JPEG")
    assert (decode(data) == np.asarray(Image.open(io.BytesIO(data)))).all()


def test_grey_is_repeated_over_the_channels():
    assert (decode(encode(GREY, "PNG")) == GREY[..., None]).all()


def test_transparent_pixels_are_white():
    rgba = np.dstack([COLOUR, np.zeros_like(GREY)])
    assert (decode(encode(rgba, "PNG")) == 255).all()


def test_cmyk_jpeg_is_decoded():
    data = saved(Image.fromarray(COLOUR).convert("CMYK"), "JPEG", quality=95)
    assert np.abs(decode(data).astype(int) - COLOUR).mean() < 8


def test_palette_is_looked_up():
    image = Image.fromarray(COLOUR).quantize(16)
    assert (decode(saved(image, "PNG")) == np.asarray(image.convert("RGB"))).all()


def test_sixteen_bits_become_eight_by_their_high_byte():
    deep = GREY.astype(np.uint16) << 8 | 0x7F
    assert (decode(encode(deep, "PNG"))[..., 0] == GREY).all()


def test_one_bit_is_black_and_white():
    bits = Image.fromarray(GREY > 128)
    assert set(np.unique(decode(saved(bits, "PNG")))) == {0, 255}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "TIFF", "JPEG"])
def test_every_orientation_comes_out_upright_once(orientation: int, format: str):
    data = turned(orientation, format)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    assert (decode(data) == np.asarray(expected)).all()


def test_an_orientation_that_does_not_exist_means_upright():
    assert read_header(turned(77, "JPEG")).orientation == 1


def test_grey_decoding_agrees_with_colour():
    data = draw_jpeg(0)
    assert (decode_grey(data, read_header(data)) == decode(data)[..., 0]).all()


def test_floating_point_is_an_unsupported_mode():
    assert reason_of(encode(GREY.astype(np.float32), "TIFF")) is Reason.UNSUPPORTED_MODE


def test_grey_values_beyond_16_bits_are_an_unsupported_mode():
    assert reason_of(encode(GREY.astype(np.int32) * 1000, "TIFF")) is Reason.UNSUPPORTED_MODE


def test_nothing_is_empty():
    assert reason_of(b"") is Reason.EMPTY


def test_text_is_not_an_image():
    assert reason_of(b"camera offline\n" * 10) is Reason.NOT_AN_IMAGE


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP"])
def test_a_file_that_ends_in_its_header_is_truncated(format: str):
    assert reason_of(encode(COLOUR, format)[:24]) is Reason.TRUNCATED


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP", "BMP"])
def test_a_file_that_ends_in_its_pixels_is_truncated(format: str):
    data = encode(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8), format)
    assert reason_of(data[: len(data) * 2 // 3]) is Reason.TRUNCATED


def test_too_many_bytes_are_refused():
    data = draw_jpeg(0)
    with pytest.raises(ImageRefused, match="too_many_bytes"):
        check_header(read_header(data), len(data), Limits(max_bytes=100))


@given(st.binary(max_size=400))
def test_only_refusals_escape_from_any_bytes(data: bytes):
    decoded_or_refused(data)


@given(
    format=st.sampled_from(["JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP"]),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12),
    length=st.integers(0, 10_000),
)
def test_only_refusals_escape_from_damaged_images(
    format: str, changes: list[tuple[int, int]], length: int
):
    data = bytearray(encode(COLOUR, format))
    for at, value in changes:
        data[at % len(data)] = value
    decoded_or_refused(bytes(data[:length]))


def decoded_or_refused(data: bytes) -> None:
    with suppress(ImageRefused):
        assert decode(data, LIMITS).ndim == 3
