"""Metadata goes, pixels stay bit for bit, orientation and colour profile stay."""

import io
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.formats.metadata.strip import strip_metadata
from vision_assets.vision.inference.decode import Limits, decode, read_header
from vision_assets_tests.drawing import draw_jpeg, encode

SECRET = b"SECRET"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
WITH_EXIF = ["JPEG", "PNG", "WEBP", "TIFF"]
LIMITS = Limits(min_side_px=1)

pictures = st.builds(
    lambda seed, height, width, shape: np.random.default_rng(seed).integers(
        0, 256, (height, width, *shape), np.uint8
    ),
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    shape=st.sampled_from([(), (3,), (4,)]),
)


def private_exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "SECRET maker"
    exif[0x013B] = "SECRET author"
    exif.get_ifd(0x8769)[0xA431] = "SECRET serial"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[29] = "SECRET date"
    return exif


def stripped(data: bytes) -> bytes:
    header = read_header(data)
    return strip_metadata(data, header.format, header.orientation)


def reopened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("format", WITH_EXIF)
@given(picture=pictures, orientation=st.integers(1, 8))
def test_pixels_and_orientation_stay_and_secrets_go(
    format: str, picture: np.ndarray, orientation: int
):
    picture = picture[..., :3] if format == "JPEG" else picture
    data = encode(picture, format, exif=private_exif(orientation), icc_profile=PROFILE)
    clean = stripped(data)
    assert SECRET in data
    assert SECRET not in clean
    assert (decode(clean, LIMITS) == decode(data, LIMITS)).all()
    assert read_header(clean) == read_header(data)


@pytest.mark.parametrize("format", WITH_EXIF)
def test_the_colour_profile_stays(format: str):
    data = encode(np.zeros((8, 8, 3), np.uint8), format, icc_profile=PROFILE)
    assert reopened(stripped(data)).info["icc_profile"] == PROFILE


@given(picture=pictures, format=st.sampled_from(["GIF", "BMP"]))
def test_formats_without_exif_keep_their_pixels(picture: np.ndarray, format: str):
    data = encode(picture, format)
    assert (decode(stripped(data), LIMITS) == decode(data, LIMITS)).all()


@pytest.mark.parametrize("format", WITH_EXIF)
def test_stripping_twice_changes_nothing_more(format: str):
    data = encode(np.zeros((8, 8, 3), np.uint8), format, exif=private_exif(6))
    assert stripped(stripped(data)) == stripped(data)


def test_jpeg_comments_and_what_follows_the_picture_go():
    data = encode(np.zeros((16, 16, 3), np.uint8), "JPEG", comment=SECRET) + b"trailer " + SECRET
    assert SECRET not in stripped(data)


def test_progressive_jpeg_with_restarts_keeps_its_pixels():
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encode(noise, "JPEG", progressive=True, restart_marker_blocks=1, comment=SECRET)
    assert (decode(stripped(data)) == decode(data)).all()
    assert SECRET not in stripped(data)


def test_a_jpeg_without_metadata_stays_byte_for_byte():
    assert stripped(draw_jpeg(0)) == draw_jpeg(0)


def test_png_texts_and_unknown_chunks_go():
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "SECRET")
    info.add_text("Comment", "SECRET", zip=True)
    info.add(b"prVt", SECRET, after_idat=True)
    data = encode(np.zeros((8, 8, 3), np.uint8), "PNG", pnginfo=info) + SECRET
    clean = stripped(data)
    assert SECRET not in clean
    assert not reopened(clean).info


def test_gif_comments_go_and_frames_stay():
    frames = [Image.new("L", (8, 8), grey) for grey in (0, 128, 255)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], comment=SECRET, loop=0)
    clean = stripped(buffer.getvalue())
    assert SECRET in buffer.getvalue()
    assert SECRET not in clean
    assert reopened(clean).n_frames == 3


def test_webp_xmp_goes():
    data = encode(np.zeros((8, 8, 3), np.uint8), "WEBP", xmp=b"<x>SECRET</x>", lossless=True)
    assert SECRET in data
    assert SECRET not in stripped(data)


def test_all_pages_of_a_tiff_are_cleaned():
    pages = [Image.new("L", (8, 8), grey) for grey in (10, 20)]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:], software="SECRET")
    clean = stripped(buffer.getvalue())
    assert SECRET in buffer.getvalue()
    assert SECRET not in clean
    assert reopened(clean).n_frames == 2


def test_a_big_tiff_is_cleaned():
    data = encode(np.zeros((8, 8), np.uint8), "TIFF", big_tiff=True, software="SECRET software")
    assert data[2:4] == b"+\x00"
    assert SECRET not in stripped(data)
    assert (decode(stripped(data), LIMITS) == 0).all()


@pytest.mark.parametrize("format", [*WITH_EXIF, "GIF"])
@given(
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
    length=st.integers(0, 5000),
)
def test_damaged_structures_are_refused_or_stripped(
    format: str, changes: list[tuple[int, int]], length: int
):
    options = {"exif": private_exif(6)} if format != "GIF" else {}
    data = bytearray(encode(np.zeros((16, 16, 3), np.uint8), format, **options))
    for at, value in changes:
        data[at % len(data)] = value
    with suppress(ImageRefused):
        assert len(strip_metadata(bytes(data[:length]), format, 6)) < length + 200
