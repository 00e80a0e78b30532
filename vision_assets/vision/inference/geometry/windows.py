"""What a model sees of a picture: all of it, or one tile of it after the other."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A part of an upright picture, in its pixels."""

    left_px: int
    top_px: int
    width_px: int
    height_px: int

    def of(self, pixels: "np.ndarray") -> "np.ndarray":
        """That part of a picture, (h, w, 3)."""
        bottom, right = self.top_px + self.height_px, self.left_px + self.width_px
        return pixels[self.top_px : bottom, self.left_px : right]


@dataclass(frozen=True)
class Picture:
    """The size of an upright picture, and the windows through which a model saw it."""

    height_px: int
    width_px: int
    windows: tuple[Window, ...]

    def scaled_to(self, height_px: int, width_px: int) -> "Picture":
        """The same windows over a copy of another size, for drawing."""
        down, across = height_px / self.height_px, width_px / self.width_px
        windows = tuple(_scaled(window, down, across) for window in self.windows)
        return Picture(height_px, width_px, windows)


def whole(height_px: int, width_px: int) -> Picture:
    """A picture that is seen at once."""
    return Picture(height_px, width_px, (Window(0, 0, width_px, height_px),))


def tiled(height_px: int, width_px: int, tile_px: int, overlap: float) -> Picture:
    """A picture that is seen in square tiles which overlap and cover all of it.

    A side that is shorter than a tile is seen at once. Tiles are at equal distances, so that the
    last one ends at the edge.

    Args:
        height_px: of the picture.
        width_px: of the picture.
        tile_px: side of a tile.
        overlap: least share of a tile's side that it has in common with the next one, 0..0.9.
    """
    tops = _starts(height_px, tile_px, overlap)
    lefts = _starts(width_px, tile_px, overlap)
    windows = tuple(
        Window(left, top, min(tile_px, width_px), min(tile_px, height_px))
        for top in tops
        for left in lefts
    )
    return Picture(height_px, width_px, windows)


def _starts(length: int, tile: int, overlap: float) -> list[int]:
    if length <= tile:
        return [0]
    step = max(1, int(tile * (1 - overlap)))
    n = -(-(length - tile) // step) + 1
    return [round(index * (length - tile) / (n - 1)) for index in range(n)]


def _scaled(window: Window, down: float, across: float) -> Window:
    left, top = round(window.left_px * across), round(window.top_px * down)
    right = round((window.left_px + window.width_px) * across)
    bottom = round((window.top_px + window.height_px) * down)
    return Window(left, top, max(1, right - left), max(1, bottom - top))
