"""Light and camera: from relief and reflectance to the pixels of one picture."""

from dataclasses import dataclass

import numpy as np

from vision_assets.vision.samples.strokes import blurred


@dataclass(frozen=True)
class Camera:
    """A camera and the lamp beside it.

    Attributes:
        lamp_angle: where the light comes from, radians, 0 is from the right.
        falloff: how much darker the far side is, 0..1.
        exposure: grey level of a flat surface in the middle, 0..255.
        tint: factor per channel; one value: a grey camera.
        noise: standard deviation of the sensor's noise, grey levels.
        blur_px: radius of the lens's blur.
    """

    lamp_angle: float
    falloff: float
    exposure: float
    tint: tuple[float, ...]
    noise: float
    blur_px: float

    @property
    def is_grey(self) -> bool:
        return len(self.tint) == 1


CAMERAS = {
    "A": Camera(np.deg2rad(215), 0.45, 138, (1.03, 1.0, 0.95), 3.0, 0.45),
    "B": Camera(np.deg2rad(20), 0.30, 118, (1.0,), 4.0, 0.6),
    "C": Camera(np.deg2rad(290), 0.55, 150, (0.95, 1.0, 1.05), 3.4, 0.4),
}


def expose(
    rng: np.random.Generator,
    camera: Camera,
    relief: np.ndarray,
    reflectance: np.ndarray,
    gloss: float,
) -> np.ndarray:
    """Take the picture.

    Args:
        rng: source of randomness.
        camera: which camera takes it.
        relief: (h, w) float32 height, in units of the surface's roughness.
        reflectance: (h, w, 3) float32 factor on the reflected light.
        gloss: how strongly the relief shows.

    Returns:
        (h, w, 3) uint8 RGB; three equal channels from a grey camera.
    """
    angle = camera.lamp_angle + rng.normal(0, 0.15)
    slope_down, slope_right = np.gradient(relief)
    slope = slope_right * np.cos(angle) + slope_down * np.sin(angle)
    marks = gloss * (0.55 * slope + 0.3 * relief.clip(-2.5, 2.5))
    light = _lamp(rng, camera, angle, relief.shape[0]) * (1 + marks)
    seen = reflectance.mean(axis=2, keepdims=True) if camera.is_grey else reflectance
    sharp = light[..., None] * seen * np.array(camera.tint, dtype=np.float32)
    seen_by_lens = np.moveaxis(blurred(np.moveaxis(sharp, 2, 0), camera.blur_px), 0, 2)
    levels = camera.exposure * float(rng.normal(1, 0.07)) * seen_by_lens
    noisy = levels + _noise(rng, camera, levels)
    return np.broadcast_to(noisy.round().clip(0, 255).astype(np.uint8), (*relief.shape, 3)).copy()


def _noise(rng: np.random.Generator, camera: Camera, levels: np.ndarray) -> np.ndarray:
    """Noise that grows with the root of the light; the same in all channels."""
    shared = rng.standard_normal((*levels.shape[:2], 1), dtype=np.float32)
    return camera.noise * np.sqrt(levels.clip(0) / 128 + 0.2) * shared


def _lamp(rng: np.random.Generator, camera: Camera, angle: float, side_px: int) -> np.ndarray:
    """Light on a flat surface: falls off away from the lamp, with a soft hot spot."""
    axis = np.linspace(-1, 1, side_px, dtype=np.float32)
    rows, columns = axis[:, None], axis[None, :]
    fall = 1 + 0.5 * camera.falloff * (columns * np.cos(angle) + rows * np.sin(angle))
    x, y = 0.5 * np.cos(angle) + rng.normal(0, 0.25), 0.5 * np.sin(angle) + rng.normal(0, 0.25)
    spread = rng.uniform(0.5, 0.9)
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    return (fall * (1 + rng.uniform(0.1, 0.3) * spot) - 0.1).astype(np.float32)
