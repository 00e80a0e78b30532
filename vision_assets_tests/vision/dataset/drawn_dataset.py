"""A dataset of drawn images, as training and reports see one: a manifest and a reader."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ClassSpec, CostSpec, PipelineSpec, SourceSpec
from vision_assets_tests.drawing import CLASSES, draw_jpeg, draw_mask

FIRST_ID = 10
"""Ids are not positions, so that code which confuses the two fails."""
DATASET = {"name": "v0001-drawn", "fingerprint": "d" * 64}


@dataclass(frozen=True)
class DrawnDataset:
    """Images with labels, objects and splits.

    Attributes:
        manifest: one row per image: id, class, objects, size, split, line.
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
            mask = draw_mask(seed, label, side_px)
            image_id = hashlib.sha256(data).hexdigest()
            images[image_id] = data
            rows.append(
                {
                    "image_id": image_id,
                    "class_id": FIRST_ID + n,
                    "label": label,
                    "objects": to_text(_objects(FIRST_ID + n, mask)),
                    "width": side_px,
                    "height": side_px,
                    "split": ("train", "train", "train", "val", "test")[seed % 5],
                    "line": "AB"[seed % 2],
                }
            )
    return DrawnDataset(pd.DataFrame(rows).astype({"class_id": "Int64"}), images)


def spec_of(costs: CostSpec) -> PipelineSpec:
    """What a use case of these costs says."""
    return PipelineSpec(source=SourceSpec(landing="landing"), costs=costs)


def _objects(class_id: int, mask: np.ndarray) -> list[AnnotatedObject]:
    """The defect, where there is one."""
    if not mask.any():
        return []
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    left, top, right, bottom = map(int, box)
    return [AnnotatedObject(class_id, (left, top, right, bottom), mask=encode(mask))]
