"""The anomaly maps of a picture's windows as one map over all of it. Free of torch."""

import numpy as np

from vision_assets.vision.inference.geometry.windows import Picture, Window

_MOST_CELLS = 512


def stitched(maps: np.ndarray, picture: Picture) -> np.ndarray:
    """One map, in which the largest value counts where windows overlap.

    Args:
        maps: (v, h, w) float32, one for each window.
        picture: and its windows.

    Returns:
        (h', w') float32 over the whole picture, with cells as large as those of the windows, at
        most 512 along a side; the map itself where the picture is seen at once.
    """
    if len(picture.windows) == 1:
        return maps[0]
    height, width = _cells(maps, picture)
    found = np.zeros((height, width), np.float32)
    for values, window in zip(maps, picture.windows, strict=True):
        rows, from_rows = _span(
            window.top_px, window.height_px, picture.height_px, height, values.shape[0]
        )
        columns, from_columns = _span(
            window.left_px, window.width_px, picture.width_px, width, values.shape[1]
        )
        part = found[rows, columns]
        np.maximum(part, values[np.ix_(from_rows, from_columns)], out=part)
    return found


def _cells(maps: np.ndarray, picture: Picture) -> tuple[int, int]:
    window: Window = picture.windows[0]
    height = -(-picture.height_px * maps.shape[1] // window.height_px)
    width = -(-picture.width_px * maps.shape[2] // window.width_px)
    return min(height, _MOST_CELLS), min(width, _MOST_CELLS)


def _span(
    start_px: int, length_px: int, picture_px: int, cells: int, window_cells: int
) -> tuple[slice, np.ndarray]:
    """Cells of the whole that a window covers, and the cell of the window for each of them."""
    first = start_px * cells // picture_px
    last = max(first + 1, -(-(start_px + length_px) * cells // picture_px))
    centres_px = (np.arange(first, last) + 0.5) * picture_px / cells - start_px
    places = (centres_px * window_cells / length_px).astype(int)
    return slice(first, last), places.clip(0, window_cells - 1)
