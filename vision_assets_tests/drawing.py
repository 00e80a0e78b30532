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
    return _draw(seed, label, side_px)[0]


def draw_mask(seed: int, label: str = "good", side_px: int = 32) -> np.ndarray:
    """The pixels of the defect on `draw_pixels`, (side_px, side_px) bool."""
    return _draw(seed, label, side_px)[1]


def _draw(seed: int, label: str, side_px: int) -> tuple[np.ndarray, np.ndarray]:
    if label not in CLASSES:
        raise ValueError(f"expected one of {CLASSES}, got {label!r}")
    rng = np.random.default_rng([seed, CLASSES.index(label)])
    pixels = rng.normal(rng.uniform(110, 140), 8, (side_px, side_px))
    y, x = np.mgrid[:side_px, :side_px]
    cy, cx = rng.uniform(0.3, 0.7, 2) * side_px
    mask = np.zeros((side_px, side_px), bool)
    if label == "scratch":
        angle = rng.uniform(0, np.pi)
        mask = np.abs((x - cx) * np.sin(angle) - (y - cy) * np.cos(angle)) < side_px / 24
        pixels[mask] += 90
    if label == "spot":
        mask = (x - cx) ** 2 + (y - cy) ** 2 < (side_px / 6) ** 2
        pixels[mask] -= 80
    return np.clip(pixels, 0, 255).astype(np.uint8), mask


def encode(pixels: np.ndarray, format: str = "JPEG", **options: object) -> bytes:
    """Pixels as the bytes of an image file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def draw_jpeg(seed: int, label: str = "good", side_px: int = 32) -> bytes:
    """The JPEG bytes of `draw_pixels`; the same arguments give the same bytes."""
    return encode(draw_pixels(seed, label, side_px), quality=90)
