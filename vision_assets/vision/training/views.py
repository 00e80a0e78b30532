"""What a training is shown of each image: all of it, or one tile after the other."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from vision_assets.vision.inference.bundle import InputSize
from vision_assets.vision.inference.geometry.windows import Window, whole

WINDOW = "window"
"""Column of a view: the part of the picture that it shows."""
_SEPARATOR = "@"


def with_views(rows: pd.DataFrame, size: InputSize) -> pd.DataFrame:
    """One row per view, in the order of the images; as they are where pictures are seen at once.

    Args:
        rows: of a manifest.
        size: what the model takes.
    """
    if size.tiling is None:
        return rows
    pictures = [
        size.picture(height, width)
        for height, width in zip(rows["height"], rows["width"], strict=True)
    ]
    views = rows.assign(window=pd.Series([picture.windows for picture in pictures], rows.index))
    return views.explode(WINDOW, ignore_index=True)


def window_of(view: Mapping[Any, Any]) -> Window:
    """The part of its picture that a view shows; of a row without views, all of it."""
    if WINDOW in view:
        return view[WINDOW]
    (window,) = whole(int(view["height"]), int(view["width"])).windows
    return window


def view_keys(views: pd.DataFrame) -> list[str]:
    """What tells views apart: the image's id, and the window where there is one."""
    ids = views["image_id"].tolist()
    if WINDOW not in views:
        return ids
    return [view_key(image_id, window) for image_id, window in zip(ids, views[WINDOW], strict=True)]


def view_key(image_id: str, window: Window) -> str:
    """The key of one view."""
    place = f"{window.left_px},{window.top_px},{window.width_px},{window.height_px}"
    return f"{image_id}{_SEPARATOR}{place}"


def split_key(key: str) -> tuple[str, Window | None]:
    """The reverse: image id and window; None for all of the picture."""
    image_id, _, place = key.partition(_SEPARATOR)
    return image_id, Window(*map(int, place.split(","))) if place else None
