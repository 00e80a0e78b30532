"""One drawn picture of a machined surface, with everything that is known of it."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vision_assets.vision.samples.defects import DRAWERS
from vision_assets.vision.samples.light import CAMERAS, expose
from vision_assets.vision.samples.surface import Finish, brushed, ground, milled

OK = "ok"
LABELS = (OK, *DRAWERS)
LINES: dict[str, tuple[Finish, float]] = {
    "L1": (brushed, 0.08),
    "L2": (milled, 0.085),
    "L3": (ground, 0.09),
}
"""What each line makes: its finish, and how strongly the marks show."""

SIDE_PX = 256
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class Box:
    """One defect's box, pixels of the upright picture; the far edges are exclusive."""

    x_min: int
    y_min: int
    x_max: int
    y_max: int
    label: str


@dataclass(frozen=True)
class Sample:
    """One picture and what is known of it.

    Attributes:
        pixels: (h, w, 3) uint8 RGB; three equal channels from a grey camera.
        label: one of LABELS.
        boxes: one per defect; none in an `ok` picture.
        masks: one per box, (h, w) bool, the pixels of the defect.
        mask: (h, w) bool, the pixels of all defects.
        line: the production line, one of LINES.
        camera: the camera, one of CAMERAS.
    """

    pixels: np.ndarray
    label: str
    boxes: tuple[Box, ...]
    masks: tuple[np.ndarray, ...]
    mask: np.ndarray
    line: str
    camera: str


def draw(
    seed: int | tuple[int, ...],
    label: str,
    *,
    line: str | None = None,
    camera: str | None = None,
    side_px: int = SIDE_PX,
) -> Sample:
    """Draw a surface with the defects of one class.

    Args:
        seed: the same arguments give the same pixels.
        label: one of LABELS.
        line: one of LINES; None: by the seed.
        camera: one of CAMERAS; None: by the seed.
        side_px: side of the square picture, at least 128.

    Raises:
        KeyError: label, line or camera is none of those that exist.
    """
    rng = np.random.default_rng(seed)
    line = line or str(rng.choice(list(LINES)))
    camera = camera or str(rng.choice(list(CAMERAS)))
    finish, gloss = LINES[line]
    defects = [] if label == OK else DRAWERS[label](rng, side_px)
    relief, reflectance = finish(rng, side_px), _bare(rng, side_px)
    for defect in defects:
        relief = relief * (1 - 0.5 * (defect.relief != 0) * defect.cover) + defect.relief
        reflectance = reflectance * defect.reflectance
    pixels = expose(rng, CAMERAS[camera], relief, reflectance, gloss * float(rng.uniform(0.8, 1.2)))
    masks = tuple(defect.mask for defect in defects if defect.mask.any())
    boxes = tuple(_box(mask, label) for mask in masks)
    return Sample(pixels, label, boxes, masks, _united(masks, side_px), line, camera)


def to_jpeg(sample: Sample, quality: int = _JPEG_QUALITY) -> bytes:
    """Encode a sample as its camera would: one channel where the camera is grey."""
    image = Image.fromarray(sample.pixels)
    if CAMERAS[sample.camera].is_grey:
        image = image.convert("L")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _bare(rng: np.random.Generator, side_px: int) -> np.ndarray:
    """Reflectance of clean metal with a few specks of dust."""
    reflectance = np.ones((side_px, side_px, 3), dtype=np.float32)
    for x, y in rng.integers(2, side_px - 2, (rng.integers(0, 6), 2)):
        reflectance[y : y + 2, x : x + rng.integers(1, 3)] *= rng.uniform(0.75, 0.9)
    return reflectance


def _box(mask: np.ndarray, label: str) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1, label)


def _united(masks: tuple[np.ndarray, ...], side_px: int) -> np.ndarray:
    united = np.zeros((side_px, side_px), dtype=bool)
    for mask in masks:
        united |= mask
    return united
