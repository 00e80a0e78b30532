"""A dataset of drawn images, as training and reports see one: a manifest and a reader."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from vision_assets.vision.spec import ClassSpec
from vision_assets_tests.drawing import CLASSES, draw_jpeg

FIRST_ID = 10
"""Ids are not positions, so that code which confuses the two fails."""
DATASET = {"name": "v0001-drawn", "fingerprint": "d" * 64}


@dataclass(frozen=True)
class DrawnDataset:
    """Images with labels and splits.

    Attributes:
        manifest: one row per image: id, class, split, line.
        images: encoded bytes by id.
    """

    manifest: pd.DataFrame
    images: dict[str, bytes]

    @property
    def classes(self) -> tuple[ClassSpec, ...]:
        return tuple(ClassSpec(id=FIRST_ID + n, name=name) for n, name in enumerate(CLASSES))

    @property
    def test(self) -> pd.DataFrame:
        return self.manifest[self.manifest["split"] == "test"]

    def read(self, ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """As the image store reads: in the order asked, missing ones left out."""
        return ((each, self.images[each]) for each in ids if each in self.images)


def draw_dataset(per_class: int, side_px: int = 32) -> DrawnDataset:
    """Of each class 3/5 train, 1/5 val, 1/5 test."""
    rows, images = [], {}
    for n, label in enumerate(CLASSES):
        for seed in range(per_class):
            data = draw_jpeg(seed, label, side_px)
            image_id = hashlib.sha256(data).hexdigest()
            images[image_id] = data
            rows.append(
                {
                    "image_id": image_id,
                    "class_id": FIRST_ID + n,
                    "label": label,
                    "split": ("train", "train", "train", "val", "test")[seed % 5],
                    "line": "AB"[seed % 2],
                }
            )
    return DrawnDataset(pd.DataFrame(rows).astype({"class_id": "Int64"}), images)
