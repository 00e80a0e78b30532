"""Tiny images, drawn by seed, for tests: each class has a look that a small network learns."""

import io

import numpy as np
from PIL import Image

CLASSES = ("good", "scratch", "spot")


def draw_pixels(seed: int, label: str = "good", side_px: int = 32) -> np.ndarray:
    """A noisy grey surface; `scratch` has a bright line, `spot` a dark disc.

    Returns:
        (side_px, side_px) uint8.
    """
    if label not in CLASSES:
        raise ValueError(f"expected one of {CLASSES}, got {label!r}")
    rng = np.random.default_rng([seed, CLASSES.index(label)])
    pixels = rng.normal(rng.uniform(110, 140), 8, (side_px, side_px))
    y, x = np.mgrid[:side_px, :side_px]
    cy, cx = rng.uniform(0.3, 0.7, 2) * side_px
    if label == "scratch":
        angle = rng.uniform(0, np.pi)
        distance = np.abs((x - cx) * np.sin(angle) - (y - cy) * np.cos(angle))
        pixels[distance < side_px / 24] += 90
    if label == "spot":
        pixels[(x - cx) ** 2 + (y - cy) ** 2 < (side_px / 6) ** 2] -= 80
    return np.clip(pixels, 0, 255).astype(np.uint8)


def encode(pixels: np.ndarray, format: str = "JPEG", **options: object) -> bytes:
    """Pixels as the bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def draw_jpeg(seed: int, label: str = "good", side_px: int = 32) -> bytes:
    """The JPEG bytes of `draw_pixels`; the same arguments give the same bytes."""
    return encode(draw_pixels(seed, label, side_px), quality=90)
