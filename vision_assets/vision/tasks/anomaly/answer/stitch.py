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
        most 512 along a side, where a cell has the largest value of those that it is made of; the
        map itself where the picture is seen at once.
    """
    if len(picture.windows) == 1:
        return maps[0]
    height, width = _cells(maps, picture)
    found = np.zeros((height, width), np.float32)
    for values, window in zip(maps, picture.windows, strict=True):
        rows, from_rows = _cells_of(
            window.top_px, window.height_px, picture.height_px, height, values.shape[0]
        )
        columns, from_columns = _cells_of(
            window.left_px, window.width_px, picture.width_px, width, values.shape[1]
        )
        part = values[np.ix_(from_rows, from_columns)]
        np.maximum.at(found, np.ix_(rows, columns), part)
    return found


def _cells(maps: np.ndarray, picture: Picture) -> tuple[int, int]:
    window: Window = picture.windows[0]
    height = -(-picture.height_px * maps.shape[1] // window.height_px)
    width = -(-picture.width_px * maps.shape[2] // window.width_px)
    return min(height, _MOST_CELLS), min(width, _MOST_CELLS)


def _cells_of(
    start_px: int, length_px: int, picture_px: int, cells: int, window_cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """Along one side, cells of the whole and the cells of a window that belong to them, in pairs.

    The whole takes the nearest cell of the window, or where it has fewer cells, every cell of the
    window goes to the one that its centre lies in: no value is lost either way.
    """
    if cells * length_px < picture_px * window_cells:
        taken = np.arange(window_cells)
        centres_px = start_px + (taken + 0.5) * length_px / window_cells
        return (centres_px * cells / picture_px).astype(int), taken
    first = start_px * cells // picture_px
    last = max(first + 1, -(-(start_px + length_px) * cells // picture_px))
    covered = np.arange(first, last)
    centres_px = (covered + 0.5) * picture_px / cells - start_px
    places = (centres_px * window_cells / length_px).astype(int)
    return covered, places.clip(0, window_cells - 1)
