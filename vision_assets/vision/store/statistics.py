"""Statistics of a grey picture: brightness, contrast, sharpness and a perceptual hash.

Sharpness is the variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in
brightfield microscopy", 2000). The hash is the sign of the 8 by 8 lowest frequencies of
the discrete cosine transform of a 32 by 32 thumbnail against their median (Zauner,
"Implementation and benchmarking of perceptual image hash functions", 2010).
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from vision_assets.vision.inference.decode import UPRIGHT
from vision_assets.vision.manifest import NO_PHASH

_THUMBNAIL_PX = 32
_HASH_SIDE = 8
# Where the thumbnail spans no more grey levels than this, the signs of its frequencies are noise.
_FLAT = 1
# Images are measured side by side, one on each core.
cv2.setNumThreads(1)


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
    mean, deviation = cv2.meanStdDev(grey)
    return Statistics(
        brightness=float(mean[0, 0]),
        contrast=float(deviation[0, 0]),
        sharpness=sharpness(grey),
        phash=phash(grey, orientation),
    )


def sharpness(grey: np.ndarray) -> float:
    """Variance of the 4-neighbour Laplacian inside the border; 0 below 3 by 3 pixels."""
    height, width = grey.shape
    if min(height, width) < 3:
        return 0.0
    inside = cv2.Laplacian(grey, cv2.CV_16S)[1:-1, 1:-1]
    mean = cv2.sumElems(inside)[0] / inside.size
    return cv2.norm(inside, cv2.NORM_L2SQR) / inside.size - mean**2


def phash(grey: np.ndarray, orientation: int = 1) -> int:
    """Perceptual hash of a grey picture, upright; NO_PHASH where the picture is flat."""
    size = (_THUMBNAIL_PX, _THUMBNAIL_PX)
    thumbnail = Image.fromarray(grey).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if orientation in UPRIGHT:
        thumbnail = thumbnail.transpose(UPRIGHT[orientation])
    pixels = np.frombuffer(thumbnail.tobytes(), np.uint8).reshape(size)
    if int(pixels.max()) - int(pixels.min()) <= _FLAT:
        return NO_PHASH
    low = (_COSINES @ pixels @ _COSINES.T).ravel()
    middle = np.sort(low)[len(low) // 2 - 1]
    return int.from_bytes(np.packbits(low > middle).tobytes(), "big")
