"""The one resize, used by training, evaluation and serving."""

import numpy as np
from PIL import Image


def resize(pixels: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """Resize by antialiased bilinear interpolation, without keeping the aspect ratio.

    Args:
        pixels: (h, w, 3) uint8, or one level per pixel, (h, w) uint8 or float32.
        height_px: height of the result.
        width_px: width of the result.

    Returns:
        (height_px, width_px, 3) uint8, or (height_px, width_px) of the same dtype; the same array
        when the size is already right.
    """
    if pixels.shape[:2] == (height_px, width_px):
        return pixels
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((width_px, height_px), Image.Resampling.BILINEAR))
