"""Heat over a picture: where a model saw what it says."""

import numpy as np
from PIL import Image

_HOT_RGB = np.array([255.0, 60.0, 20.0])
_STRONGEST_TINT = 0.65


def tinted(pixels: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture, tinted where it is hot.

    Args:
        pixels: (h, w, 3) uint8.
        heat: (h', w') float, 0..1, over all of it.

    Returns:
        (h, w, 3) uint8.
    """
    height, width = pixels.shape[:2]
    smooth = Image.fromarray(heat.astype(np.float32)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    tint = np.asarray(smooth).clip(0, 1)[..., None] ** 2 * _STRONGEST_TINT
    return (pixels * (1 - tint) + _HOT_RGB * tint).round().astype(np.uint8)
