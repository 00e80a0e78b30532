"""From what a model said of each view to one map of the picture, band by band. Free of torch.

Views are enlarged to the windows that they show, and averaged where windows overlap. A band has
as many rows as fit into a bounded memory, whatever the size of the picture.
"""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from vision_assets.vision.inference.geometry.windows import Picture, Window

_BAND_BYTES = 16 * 1024 * 1024
_SUM_BYTES = 2
_FULL = 255


def merged(levels: np.ndarray, picture: Picture) -> tuple[np.ndarray, np.ndarray]:
    """The most likely class of every pixel of a picture, and how likely it is.

    Args:
        levels: (v, c, h, w) uint8, probabilities in 255ths, one view for each window.
        picture: what the views show.

    Returns:
        Index of the class, (h, w) uint8, and its level, (h, w) uint8; of equally likely classes
        the first, which is the background.
    """
    index = _possible(levels)
    classes = np.empty((picture.height_px, picture.width_px), np.uint8)
    surest = np.empty_like(classes)
    for top, band in bands(levels[:, index], picture):
        rows = slice(top, top + band.shape[1])
        classes[rows] = index[band.argmax(0)]
        surest[rows] = band.max(0)
    return classes, surest


def _possible(levels: np.ndarray) -> np.ndarray:
    """Indices of the background and of classes that may be the most likely one of some pixel.

    The most likely of c classes has at least a c-th of the probability, and nowhere between pixels
    is it higher than at them: most classes of most pictures need not be enlarged.
    """
    n = levels.shape[1]
    highest = levels.max((0, 2, 3)).astype(int)
    return np.flatnonzero((highest * n >= _FULL - n) | (np.arange(n) == 0)).astype(np.uint8)


def bands(levels: np.ndarray, picture: Picture) -> Iterator[tuple[int, np.ndarray]]:
    """Bands of rows from top to bottom.

    Args:
        levels: (v, c, h, w) uint8, one view for each window.
        picture: what the views show.

    Yields:
        First row, and the levels of all classes, (c, rows, width of the picture) uint8.
    """
    row_bytes = levels.shape[1] * picture.width_px * _SUM_BYTES
    height = max(1, min(picture.height_px, _BAND_BYTES // row_bytes))
    for top in range(0, picture.height_px, height):
        bottom = min(top + height, picture.height_px)
        yield top, _band(levels, picture, top, bottom)


def _band(levels: np.ndarray, picture: Picture, top: int, bottom: int) -> np.ndarray:
    shape = (bottom - top, picture.width_px)
    total = np.zeros((levels.shape[1], *shape), np.uint16)
    seen = np.zeros(shape, np.uint16)
    for view, window in zip(levels, picture.windows, strict=True):
        first = max(top, window.top_px)
        last = min(bottom, window.top_px + window.height_px)
        if first >= last:
            continue
        place = (
            slice(first - top, last - top),
            slice(window.left_px, window.left_px + window.width_px),
        )
        seen[place] += 1
        for sum_of_class, level in zip(total, view, strict=True):
            sum_of_class[place] += _rows_of(level, window, first, last)
    return ((total + seen // 2) // np.maximum(seen, 1)).astype(np.uint8)


def _rows_of(level: np.ndarray, window: Window, first: int, last: int) -> np.ndarray:
    """Rows of a view as large as its window; the same as those of the whole, enlarged at once."""
    per_row = level.shape[0] / window.height_px
    box = (
        0.0,
        (first - window.top_px) * per_row,
        float(level.shape[1]),
        min((last - window.top_px) * per_row, float(level.shape[0])),
    )
    size = (window.width_px, last - first)
    image = Image.fromarray(level)
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=box))
