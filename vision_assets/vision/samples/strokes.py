"""Antialiased shapes: how much of each pixel a line or a blob covers."""

import numpy as np
from PIL import Image, ImageDraw

_OVERSAMPLING = 4


def line(points: np.ndarray, widths: np.ndarray, side_px: int) -> np.ndarray:
    """Cover of a line whose width changes along it.

    Args:
        points: (n, 2) float, x and y in pixels.
        widths: (n,) float, pixels.
        side_px: side of the picture.

    Returns:
        (side_px, side_px) float32, 0..1.
    """
    canvas = _canvas(side_px)
    pen = ImageDraw.Draw(canvas)
    fine = points * _OVERSAMPLING
    for start, end, width in zip(fine[:-1], fine[1:], widths[:-1], strict=True):
        pen.line([*start, *end], fill=255, width=max(1, round(width * _OVERSAMPLING)))
    return _reduced(canvas)


def blob(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radius_px: float,
    roughness: float,
    side_px: int,
) -> np.ndarray:
    """Cover of a closed, irregular, slightly elongated shape around `centre` (x, y).

    Args:
        rng: source of randomness.
        centre: x and y in pixels.
        radius_px: mean radius.
        roughness: amplitude of the outline's waves as a share of the radius.
        side_px: side of the picture.

    Returns:
        (side_px, side_px) float32, 0..1.
    """
    turn = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    waves = np.arange(2, 9)[:, None]
    amplitudes = rng.normal(0, roughness, waves.shape) / waves**0.7
    radius = radius_px * (1 + (amplitudes * np.cos(waves * turn + _phases(rng, waves))).sum(axis=0))
    stretch, tilt = rng.uniform(1.0, 1.5), rng.uniform(0, np.pi)
    across, along = radius * np.cos(turn) * stretch, radius * np.sin(turn) / stretch
    x = centre[0] + across * np.cos(tilt) - along * np.sin(tilt)
    y = centre[1] + across * np.sin(tilt) + along * np.cos(tilt)
    canvas = _canvas(side_px)
    outline = np.stack([x, y], axis=1) * _OVERSAMPLING
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in outline], fill=255)
    return _reduced(canvas)


def blurred(cover: np.ndarray, radius_px: float) -> np.ndarray:
    """Planes, (..., h, w) float32, smoothed by a Gaussian; same shape and type."""
    size = cover.shape[-2:]
    down = np.exp(-2 * (np.pi * radius_px * np.fft.fftfreq(size[0])) ** 2)
    right = np.exp(-2 * (np.pi * radius_px * np.fft.rfftfreq(size[1])) ** 2)
    response = (down[:, None] * right[None, :]).astype(np.float32)
    return np.fft.irfft2(np.fft.rfft2(cover) * response, s=size)


def _phases(rng: np.random.Generator, waves: np.ndarray) -> np.ndarray:
    return rng.uniform(0, 2 * np.pi, waves.shape)


def _canvas(side_px: int) -> Image.Image:
    return Image.new("L", (side_px * _OVERSAMPLING, side_px * _OVERSAMPLING))


def _reduced(canvas: Image.Image) -> np.ndarray:
    return np.asarray(canvas.reduce(_OVERSAMPLING), dtype=np.float32) / 255
