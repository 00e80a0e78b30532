"""Statistics of a grey picture: brightness, contrast, sharpness and a perceptual hash.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in
brightfield microscopy", 2000). The hash is the sign of the 8 by 8 lowest frequencies of
the discrete cosine transform of a 32 by 32 thumbnail against their median (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010).
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from vision_assets.vision.inference.decode import UPRIGHT
from vision_assets.vision.manifest import NO_PHASH

_THUMBNAIL_PX = 32
_HASH_SIDE = 8
_GREY_LEVELS = np.arange(256, dtype=np.float64)
# Where the thumbnail spans no more grey levels than this, the signs of its frequencies are noise.
_FLAT = 1
# Rows of the Laplacian that are in memory at a time: it fits the cache and bounds the memory.
_STRIPE_PX = 128


def _cosines() -> np.ndarray:
    """The lowest rows of the 32-point DCT-II matrix, (8, 32)."""
    frequency = np.arange(_HASH_SIDE)[:, None]
    position = np.arange(_THUMBNAIL_PX)[None, :]
    return np.cos(math.pi * frequency * (2 * position + 1) / (2 * _THUMBNAIL_PX))


_COSINES = _cosines()


@dataclass(frozen=True, slots=True)
class Statistics:
    """Brightness 0..255, contrast in grey levels, sharpness in squared ones, 64-bit hash."""

    brightness: float
    contrast: float
    sharpness: float
    phash: int


def statistics(grey: np.ndarray, orientation: int = 1) -> Statistics:
    """Statistics of a picture.

    Args:
        grey: (h, w) uint8.
        orientation: EXIF orientation, 1..8; the hash is that of the upright picture.
    """
    image = Image.fromarray(grey)
    brightness, contrast = _moments(image, grey.size)
    return Statistics(brightness, contrast, sharpness(grey), phash(image, orientation))


def sharpness(grey: np.ndarray) -> float:
    """Variance of the 4-neighbour Laplacian inside the border; 0 below 3 by 3 pixels."""
    height, width = grey.shape
    if min(height, width) < 3:
        return 0.0
    total, squares = 0.0, 0.0
    for top in range(0, height - 2, _STRIPE_PX):
        values = _laplacian(grey[top : top + _STRIPE_PX + 2])
        total += float(values.sum())
        squares += float(np.dot(values, values))
    count = (height - 2) * (width - 2)
    return squares / count - (total / count) ** 2


def phash(image: Image.Image, orientation: int = 1) -> int:
    """Perceptual hash of a grey picture, upright; NO_PHASH where the picture is flat."""
    thumbnail = image.resize((_THUMBNAIL_PX, _THUMBNAIL_PX), Image.Resampling.BOX)
    if orientation in UPRIGHT:
        thumbnail = thumbnail.transpose(UPRIGHT[orientation])
    pixels = np.frombuffer(thumbnail.tobytes(), np.uint8).reshape(_THUMBNAIL_PX, _THUMBNAIL_PX)
    if int(pixels.max()) - int(pixels.min()) <= _FLAT:
        return NO_PHASH
    low = (_COSINES @ pixels @ _COSINES.T).ravel()
    middle = np.sort(low)[len(low) // 2 - 1]
    return int.from_bytes(np.packbits(low > middle).tobytes(), "big")


def _moments(image: Image.Image, n_pixels: int) -> tuple[float, float]:
    histogram = np.asarray(image.histogram(), dtype=np.float64)
    mean = float(histogram @ _GREY_LEVELS) / n_pixels
    variance = float(histogram @ (_GREY_LEVELS - mean) ** 2) / n_pixels
    return mean, math.sqrt(variance)


def _laplacian(rows: np.ndarray) -> np.ndarray:
    """(n + 2, w) uint8 to the n * (w - 2) values inside the border, float32.

    The rows are laid out as one line, on which each neighbour is one shifted slice: half the
    time of slices of the picture. The two values a row that wrap around are cut off.
    """
    n, width = rows.shape[0] - 2, rows.shape[1]
    line = rows.astype(np.int16).ravel()
    count = n * width - 2
    values = np.empty(n * width, np.int16)
    inside = values[:count]
    np.add(line[1 : 1 + count], line[2 * width + 1 : 2 * width + 1 + count], out=inside)
    inside += line[width : width + count]
    inside += line[width + 2 : width + 2 + count]
    inside -= line[width + 1 : width + 1 + count] * np.int16(4)
    return values.reshape(n, width)[:, : width - 2].astype(np.float32).ravel()
