"""Decoding stays within its bounds, whatever the bytes say."""

import random

import numpy as np
import pytest
from PIL import Image

from vision_assets.vision.errors import ImageRefused, Reason
from vision_assets.vision.inference.decode import FORMATS, Limits, decode, read_header
from vision_assets_tests.drawing import encode

LIMITS = Limits(min_side_px=8, max_pixels=100_000)


def test_a_header_is_read_without_decoding_a_pixel(monkeypatch: pytest.MonkeyPatch):
    bomb = encode(np.zeros((3000, 3000), np.uint8), "PNG")

    def never(*_: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", never)
    assert (read_header(bomb).width, read_header(bomb).height) == (3000, 3000)
    with pytest.raises(ImageRefused) as refused:
        decode(bomb, LIMITS)
    assert refused.value.reason is Reason.TOO_MANY_PIXELS


def test_a_png_that_is_turned_by_exif_comes_out_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = encode(np.zeros((20, 30, 3), np.uint8), "PNG", exif=exif)
    assert read_header(turned).orientation == 6
    assert decode(turned).shape == (30, 20, 3)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("format", FORMATS)
def test_damaged_bytes_are_refused_or_decoded_but_never_crash(format: str):
    noise = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    whole = encode(noise, format)
    rng = random.Random(0)
    outcomes = {_outcome(_damage(whole, rng)) for _ in range(300)}
    assert "refused" in outcomes


def _damage(whole: bytes, rng: random.Random) -> bytes:
    damaged = bytearray(whole)
    for _ in range(rng.choice((1, 2, 8))):
        damaged[rng.randrange(min(len(damaged), rng.choice((64, 4096))))] = rng.randrange(256)
    return bytes(damaged[: rng.randrange(1, len(damaged)) if rng.random() < 0.3 else None])


def _outcome(data: bytes) -> str:
    try:
        pixels = decode(data, LIMITS)
    except ImageRefused:
        return "refused"
    assert pixels.ndim == 3
    return "decoded"
