"""What objects are like: how many, how large, of which shape, and which come together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.dataset.object_table import ObjectTable
from vision_assets.vision.manifest import SPLITS
from vision_assets.vision.spec import ClassSpec

MOST_CLASSES = 20
"""In a matrix of classes: those with the most images."""


@dataclass(frozen=True)
class ObjectStatistics:
    """Figures over all objects of a dataset version.

    Attributes:
        n_objects: of all images.
        n_images: images that somebody looked at for objects.
        n_empty: those of them without any.
        classes: one row per class with objects: `label`, `images`, `objects`, objects by split,
            medians of `width` and `height` in pixels, `ratio` and `area_share`.
        together: images that show both classes, (k, k) int; on the diagonal those that show the
            one. At most MOST_CLASSES classes.
    """

    n_objects: int
    n_images: int
    n_empty: int
    classes: pd.DataFrame
    together: pd.DataFrame

    @property
    def per_image(self) -> float:
        """Mean number of objects of an image."""
        return self.n_objects / max(1, self.n_images)


def object_statistics(table: ObjectTable, classes: Sequence[ClassSpec]) -> ObjectStatistics:
    """Count and measure.

    Args:
        table: the objects of a manifest.
        classes: the classes in force, in the order of the rows.
    """
    said = table.per_image.dropna()
    return ObjectStatistics(
        n_objects=len(table.objects),
        n_images=len(said),
        n_empty=int((said == 0).sum()),
        classes=_per_class(table.objects, [entry.name for entry in classes]),
        together=_together(table.objects),
    )


def _per_class(objects: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    groups = objects.groupby("label", observed=True)
    rows = groups.agg(
        images=("image_id", "nunique"),
        objects=("class_id", "size"),
        width=("width", "median"),
        height=("height", "median"),
        ratio=("ratio", "median"),
        area_share=("area_share", "median"),
    )
    splits = pd.crosstab(objects["label"], objects["split"]).reindex(columns=list(SPLITS))
    rows = rows.join(splits.fillna(0).astype(int))
    order = ["images", "objects", *SPLITS, "width", "height", "ratio", "area_share"]
    present = [name for name in names if name in rows.index]
    return rows.loc[present, order].rename_axis("label").reset_index()


def _together(objects: pd.DataFrame) -> pd.DataFrame:
    shown = objects[["image_id", "label"]].dropna().drop_duplicates()
    names = shown["label"].value_counts()
    names = [str(name) for name, n in names.head(MOST_CLASSES).items() if n]
    rows = shown["image_id"].cat.codes.to_numpy()
    columns = pd.Index(names).get_indexer(pd.Index(shown["label"].astype(str)))
    shows = np.zeros((len(shown["image_id"].cat.categories), len(names)), np.float32)
    shows[rows[columns >= 0], columns[columns >= 0]] = 1
    return pd.DataFrame((shows.T @ shows).astype(int), names, names)
