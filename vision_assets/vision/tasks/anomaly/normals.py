"""The normal images among samples: the only ones that anything is learned from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.answers import NOTHING_ID
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.tasks.task import Images, Samples


class ChosenPixels:
    """Some of the images of a file, indexed by an array of positions."""

    def __init__(self, pixels: Images, rows: np.ndarray) -> None:
        self._pixels, self._rows = pixels, rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, h, w, 3)."""
        return (len(self._rows), *self._pixels.shape[1:])

    def __getitem__(self, chosen: np.ndarray) -> np.ndarray:
        """Images at positions (n,), as (n, h, w, 3) uint8."""
        return self._pixels[self._rows[chosen]]


@dataclass(frozen=True)
class NormalTargets:
    """Whether each view shows a normal image.

    Attributes:
        normal: (n,) bool.
        remarks: what a person should know of them.
    """

    normal: np.ndarray
    remarks: tuple[str, ...] = ()

    def __getitem__(self, chosen: slice | np.ndarray) -> np.ndarray:
        return self.normal[chosen]


def targets(rows: pd.DataFrame, classes: Sequence[CardClass]) -> NormalTargets:
    """Whether each row shows a normal image, by its class.

    Raises:
        TrainingError: a row has no label, or one of another class.
    """
    harmless = {NOTHING_ID: True} | {entry.id: not entry.defect for entry in classes}
    strange = rows[~rows["class_id"].isin(list(harmless))]
    if len(strange):
        raise TrainingError(
            f"expected labels of the classes {[entry.name for entry in classes]}, got "
            f"{sorted(set(strange['label'].astype(str)))}; add them to the classes or label "
            "those images again"
        )
    normal = np.array([harmless[int(class_id)] for class_id in rows["class_id"]], bool)
    n_defects = rows.loc[~normal, "image_id"].nunique()
    if not n_defects:
        return NormalTargets(normal)
    remark = (
        f"{n_defects} of {rows['image_id'].nunique()} images in the train and val splits show "
        "defects; nothing is learned from them"
    )
    return NormalTargets(normal, (remark,))


def normals(samples: Samples, split: str) -> Samples:
    """The normal images of a split, by targets of `NormalTargets`.

    Raises:
        TrainingError: there are none.
    """
    rows = np.flatnonzero(samples.targets)
    if not len(rows):
        raise TrainingError(
            f"expected images of a class that is no defect in the {split} split, got none among "
            f"{len(samples)}; say `defect: false` of the class of normal images, or raise "
            f"splits.{split}"
        )
    return Samples(ChosenPixels(samples.pixels, rows), samples.targets[rows])
