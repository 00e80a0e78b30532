"""Defects: where they are, what they do to the relief and to the reflectance.

A scratch throws up bright edges, a pit is a lit hollow, a stain changes the colour and
leaves the machining marks visible, a crack is a thin dark jagged line.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vision_assets.vision.samples.strokes import blob, blurred, line

_VISIBLE = 0.3


@dataclass(frozen=True)
class Defect:
    """One defect of one picture.

    Attributes:
        cover: (h, w) float32, 0..1, how much of each pixel it takes.
        relief: (h, w) float32, added to the height of the surface, in units of its roughness.
        reflectance: (h, w, 3) float32, factor on the reflected light.
    """

    cover: np.ndarray
    relief: np.ndarray
    reflectance: np.ndarray

    @property
    def mask(self) -> np.ndarray:
        """(h, w) bool: the pixels that belong to the defect."""
        return self.cover > _VISIBLE


Draw = Callable[[np.random.Generator, int], list[Defect]]


def scratches(rng: np.random.Generator, side_px: int) -> list[Defect]:
    """One to three long, slightly bent, smooth lines of about one direction."""
    angle = rng.uniform(0, np.pi)
    return [_scratch(rng, side_px, angle) for _ in range(rng.choice([1, 2, 3], p=[0.6, 0.3, 0.1]))]


def _scratch(rng: np.random.Generator, side_px: int, angle: float) -> Defect:
    points = _bent_line(rng, side_px, angle + rng.normal(0, 0.12))
    taper = np.sin(np.linspace(0.15, np.pi - 0.15, len(points))) ** 0.5
    widths = rng.uniform(3.0, 5.5) * taper
    cover = line(points, widths, side_px)
    brightness = rng.uniform(0.45, 0.9)
    shine = 1 + brightness * cover - 0.25 * (blurred(cover, 1.6) - 0.5 * cover).clip(0)
    return Defect(cover, -rng.uniform(1.5, 3.5) * blurred(cover, 0.8), _grey(shine))


def pits(rng: np.random.Generator, side_px: int) -> list[Defect]:
    """One to seven hollows that lie together."""
    centre = _position(rng, side_px, 30)
    spread = rng.uniform(24, 50)
    found: list[Defect] = []
    for _ in range(rng.integers(1, 8)):
        place = np.clip(rng.normal(centre, spread), 18, side_px - 18)
        pit = _pit(rng, (float(place[0]), float(place[1])), side_px)
        if not any((pit.mask & other.mask).any() for other in found):
            found.append(pit)
    return found


def _pit(rng: np.random.Generator, centre: tuple[float, float], side_px: int) -> Defect:
    radius_px = rng.uniform(6.0, 13.0)
    cover = blob(rng, centre, radius_px, 0.12, side_px)
    depth = radius_px * rng.uniform(4.0, 7.0)
    floor = 1 - rng.uniform(0.3, 0.65) * blurred(cover, 1.0)
    return Defect(cover, -depth * blurred(cover, radius_px / 2.5), _grey(floor))


def stains(rng: np.random.Generator, side_px: int) -> list[Defect]:
    """One film of oil, water or rust, darker at its rim; often with a second drop."""
    number = rng.choice([1, 2], p=[0.75, 0.25])
    tint = np.array(_TINTS[rng.integers(len(_TINTS))])
    found = [_stain(rng, side_px, tint, rng.uniform(34, 64))]
    for _ in range(number - 1):
        drop = _stain(rng, side_px, tint, rng.uniform(14, 24))
        if not (drop.mask & found[0].mask).any():
            found.append(drop)
    return found


_TINTS = ((0.75, 0.95, 1.25), (1.15, 1.0, 0.9), (1.0, 1.0, 1.0))
"""How much of each colour a stain takes: rust, blue oil, water."""


def _stain(rng: np.random.Generator, side_px: int, tint: np.ndarray, radius_px: float) -> Defect:
    cover = blob(rng, _position(rng, side_px, 0.8 * radius_px), radius_px, 0.16, side_px)
    body = blurred(cover, 2.0).clip(0, 1)
    rim = (body - blurred(cover, 6.0)).clip(0) * cover
    darkness = rng.uniform(0.2, 0.42) * body + rng.uniform(0.25, 0.6) * rim
    return Defect(cover, np.zeros_like(cover), 1 - darkness[..., None] * tint.astype(np.float32))


def cracks(rng: np.random.Generator, side_px: int) -> list[Defect]:
    """One jagged line with up to three branches."""
    trunk = _jagged_line(rng, _position(rng, side_px, 40), rng.uniform(0, 2 * np.pi), 34)
    cover = line(trunk, np.linspace(rng.uniform(3.0, 4.8), 1.6, len(trunk)), side_px)
    for _ in range(rng.integers(0, 4)):
        at = rng.integers(4, len(trunk) - 4)
        heading = np.arctan2(*(trunk[at + 1] - trunk[at])[::-1]) + rng.choice([-1, 1]) * 0.8
        branch = _jagged_line(rng, trunk[at], heading, int(rng.integers(6, 14)))
        cover = np.maximum(cover, line(branch, np.linspace(2.4, 1.2, len(branch)), side_px))
    gap = 1 - rng.uniform(0.55, 0.85) * blurred(cover, 0.5).clip(0, 1)
    return [Defect(cover, -rng.uniform(0.5, 1.5) * cover, _grey(gap))]


DRAWERS: dict[str, Draw] = {"scratch": scratches, "pit": pits, "stain": stains, "crack": cracks}


def _bent_line(rng: np.random.Generator, side_px: int, angle: float) -> np.ndarray:
    middle = np.array(_position(rng, side_px, 50))
    half = rng.uniform(0.16, 0.42) * side_px
    direction = np.array([np.cos(angle), np.sin(angle)])
    normal = np.array([-direction[1], direction[0]])
    t = np.linspace(-1, 1, 48)[:, None]
    return middle + half * t * direction + rng.normal(0, 9) * (t**2 - 1) * normal


def _jagged_line(
    rng: np.random.Generator, start: np.ndarray | tuple[float, float], heading: float, n: int
) -> np.ndarray:
    turns = heading + np.cumsum(rng.normal(0, 0.16, n)) + rng.normal(0, 0.5, n)
    steps = rng.uniform(2.0, 5.5, (n, 1)) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    return np.vstack([start, start + np.cumsum(steps, axis=0)])


def _position(rng: np.random.Generator, side_px: int, margin_px: float) -> tuple[float, float]:
    x, y = rng.uniform(margin_px, side_px - margin_px, 2)
    return float(x), float(y)


def _grey(factor: np.ndarray) -> np.ndarray:
    return np.repeat(factor[..., None], 3, axis=2)
