"""The objects of a manifest as a table, one row each, and how many there are on every image.

Built from columns of numbers: a million objects take some 30 MB.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.manifest import TEXT
from vision_assets.vision.objects import from_text
from vision_assets.vision.spec import ClassSpec

OBJECT_COLUMNS = ("image_id", "objects", "width", "height", "split")
"""Of a manifest: all that is needed of it."""

_MEASURES = ("width", "height", "area_share")


@dataclass(frozen=True)
class ObjectTable:
    """What images show.

    Attributes:
        objects: `image_id`, `class_id`, `label` (missing for an unknown class), `width` and
            `height` of the box in pixels, `area_share` of the image that the object takes (its
            pixels where they are known, else its outline, else its box), `ratio` of width to
            height (missing without a height), `split`.
        per_image: number of objects of each row of the manifest; missing where nobody said.
    """

    objects: pd.DataFrame
    per_image: pd.Series


def object_table(manifest: pd.DataFrame, classes: Sequence[ClassSpec]) -> ObjectTable:
    """Read every object of a manifest.

    Args:
        manifest: at least its OBJECT_COLUMNS.
        classes: the classes in force.
    """
    rows, ids = array("q"), array("q")
    measures = {name: array("f") for name in _MEASURES}
    per_image = array("q")
    sides = manifest[["objects", "width", "height"]].itertuples(index=False, name=None)
    for row, (text, width_px, height_px) in enumerate(sides):
        found = from_text(text) if isinstance(text, str) else ()
        per_image.append(len(found) if isinstance(text, str) else -1)
        for each in found:
            left, top, right, bottom = each.box
            rows.append(row)
            ids.append(each.class_id)
            measures["width"].append(right - left)
            measures["height"].append(bottom - top)
            measures["area_share"].append(each.covered_px / (width_px * height_px))
    counts = pd.Series(_numbers(per_image), manifest.index, "Int64")
    return ObjectTable(_frame(manifest, classes, rows, ids, measures), counts.mask(counts < 0))


def _frame(
    manifest: pd.DataFrame,
    classes: Sequence[ClassSpec],
    rows: array,
    ids: array,
    measures: dict[str, array],
) -> pd.DataFrame:
    at, class_ids = _numbers(rows), _numbers(ids)
    width, height, share = (np.frombuffer(measures[name], np.float32) for name in _MEASURES)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(height > 0, width / height, np.nan)
    names = [entry.name for entry in classes]
    place = pd.Index([entry.id for entry in classes]).get_indexer(pd.Index(class_ids))
    return pd.DataFrame(
        {
            "image_id": _repeated(manifest["image_id"], at),
            "class_id": class_ids,
            "label": pd.Categorical.from_codes(place, names),  # pyright: ignore[reportArgumentType]
            "width": width,
            "height": height,
            "area_share": share,
            "ratio": ratio,
            "split": _repeated(manifest["split"], at),
        }
    )


def _repeated(values: pd.Series, at: np.ndarray) -> pd.Categorical:
    """The value of each object's image, kept once."""
    codes, names = pd.factorize(values.astype(TEXT))
    return pd.Categorical.from_codes(codes[at], names)  # pyright: ignore[reportArgumentType]


def _numbers(values: array) -> np.ndarray:
    return np.frombuffer(values, np.int64)
