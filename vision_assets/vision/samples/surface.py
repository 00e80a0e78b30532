"""Machined metal: the marks that brushing, milling and grinding leave.

Each finish is a relief, (h, w) float32 with mean 0 and standard deviation about 1; light
turns it into brightness (vision_assets.vision.samples.light).
"""

from collections.abc import Callable

import numpy as np

Finish = Callable[[np.random.Generator, int], np.ndarray]


def brushed(rng: np.random.Generator, side_px: int) -> np.ndarray:
    """Long, fine, nearly horizontal lines, as a belt leaves them."""
    angle = np.deg2rad(rng.normal(0, 4))
    fine = _streaks(rng, side_px, angle, length_px=rng.uniform(30, 70), width_px=0.5)
    broad = _streaks(rng, side_px, angle, length_px=rng.uniform(70, 120), width_px=3.0)
    return _unit(fine + rng.uniform(0.3, 0.7) * broad)


def milled(rng: np.random.Generator, side_px: int) -> np.ndarray:
    """Arcs of a face mill: cusps one feed apart, modulated by vibration."""
    rows, columns = _grid(side_px)
    bearing = np.deg2rad(rng.normal(90, 12))
    distance = side_px * rng.uniform(1.2, 2.2)
    middle = side_px / 2
    radius = np.hypot(
        columns - middle - distance * np.cos(bearing), rows - middle - distance * np.sin(bearing)
    )
    feed_px = rng.uniform(7, 12)
    phase = radius / feed_px + 0.12 * _clouds(rng, side_px, 50)
    cusp = np.abs(np.mod(phase + rng.random(), 1) - 0.5) * 4 - 1
    ridges = np.interp(radius, *_line_of_noise(rng, radius)).astype(np.float32)
    depth = 1 + 0.35 * _clouds(rng, side_px, 40)
    grain = _streaks(rng, side_px, bearing + np.pi / 2, length_px=14, width_px=0.7)
    return _unit(0.75 * cusp * depth + 0.6 * ridges + 0.6 * grain)


def ground(rng: np.random.Generator, side_px: int) -> np.ndarray:
    """Short lines of grinding grains in two slightly different directions."""
    angle = np.deg2rad(rng.normal(65, 4))
    cross = angle + np.deg2rad(rng.uniform(4, 9))
    first = _streaks(rng, side_px, angle, length_px=rng.uniform(18, 32), width_px=0.8)
    second = _streaks(rng, side_px, cross, length_px=rng.uniform(10, 18), width_px=1.2)
    return _unit(first + 0.6 * second + 0.25 * _clouds(rng, side_px, 20))


def _streaks(
    rng: np.random.Generator, side_px: int, angle: float, length_px: float, width_px: float
) -> np.ndarray:
    """Noise smoothed by a long, thin Gaussian that lies at `angle` (radians)."""
    down = np.fft.fftfreq(side_px).astype(np.float32)[:, None]
    right = np.fft.rfftfreq(side_px).astype(np.float32)[None, :]
    along = right * np.cos(angle) + down * np.sin(angle)
    across = -right * np.sin(angle) + down * np.cos(angle)
    response = np.exp(-2 * np.pi**2 * ((along * length_px) ** 2 + (across * width_px) ** 2))
    return _filtered(rng, side_px, response.astype(np.float32))


def _clouds(rng: np.random.Generator, side_px: int, scale_px: float) -> np.ndarray:
    """Smooth noise with features of about `scale_px`."""
    return _streaks(rng, side_px, 0.0, scale_px / 4, scale_px / 4)


def _filtered(rng: np.random.Generator, side_px: int, response: np.ndarray) -> np.ndarray:
    noise = rng.standard_normal((side_px, side_px), dtype=np.float32)
    return _unit(np.fft.irfft2(np.fft.rfft2(noise) * response, s=noise.shape))


def _line_of_noise(rng: np.random.Generator, radius: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positions = np.arange(radius.min() - 1, radius.max() + 2, 1.0)
    return positions, rng.standard_normal(len(positions))


def _grid(side_px: int) -> tuple[np.ndarray, np.ndarray]:
    axis = np.arange(side_px, dtype=np.float32)
    return axis[:, None], axis[None, :]


def _unit(relief: np.ndarray) -> np.ndarray:
    centred = relief - relief.mean()
    return (centred / (centred.std() + 1e-6)).astype(np.float32)
