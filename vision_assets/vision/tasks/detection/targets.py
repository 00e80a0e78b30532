"""What a detector shall say of each view: boxes in parts of the view's sides, and classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import pandas as pd
import torch

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.inference.geometry.windows import Window
from vision_assets.vision.objects import AnnotatedObject, from_text
from vision_assets.vision.training.views import window_of

LEAST_SHOWN = 0.3
"""Share of a box that has to be inside of a view; what is cut more is no target of it."""


@dataclass(frozen=True)
class ViewObjects:
    """The objects in one view.

    Attributes:
        boxes: (m, 4) float32, left, top, right, bottom; 0 and 1 are the view's edges.
        classes: (m,) int64, indices of the card's classes.
    """

    boxes: torch.Tensor
    classes: torch.Tensor

    def __len__(self) -> int:
        return len(self.boxes)


class BoxTargets(Sequence[ViewObjects]):
    """The objects of views; indexable by an integer array or a slice, as tensors are."""

    def __init__(self, views: Sequence[ViewObjects]) -> None:
        self._views = tuple(views)

    def __len__(self) -> int:
        return len(self._views)

    @overload
    def __getitem__(self, chosen: int) -> ViewObjects: ...

    @overload
    def __getitem__(self, chosen: slice | np.ndarray) -> "BoxTargets": ...

    def __getitem__(self, chosen: int | slice | np.ndarray) -> "ViewObjects | BoxTargets":
        if isinstance(chosen, slice):
            return BoxTargets(self._views[chosen])
        if isinstance(chosen, np.ndarray):
            return BoxTargets([self._views[int(index)] for index in chosen])
        return self._views[chosen]

    def counts(self) -> torch.Tensor:
        """Objects in each view, (n,) int64."""
        return torch.tensor([len(view) for view in self._views], dtype=torch.int64)


def targets_of(rows: pd.DataFrame, classes: Sequence[CardClass]) -> BoxTargets:
    """The objects that each view shows, clipped to it.

    Args:
        rows: of the manifest, one per view, with `objects`.
        classes: in the order of the scores.

    Raises:
        TrainingError: an image has no list of objects, or one of another class.
    """
    position = {entry.id: index for index, entry in enumerate(classes)}
    _check(rows, classes, position)
    return BoxTargets(
        [
            _in_view(from_text(row["objects"]), window_of(row), position)
            for row in rows.to_dict("records")
        ]
    )


def clipped(boxes: torch.Tensor, least: float = LEAST_SHOWN) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes cut at the edges of the view, and which of them are still worth showing.

    Args:
        boxes: (m, 4) float.
        least: share of a box that has to be left.

    Returns:
        (m, 4) float in 0..1, and (m,) bool.
    """
    inside = boxes.clamp(0, 1)
    shown = _area(inside) / _area(boxes).clamp(min=1e-12)
    return inside, (shown >= least) & (_area(inside) > 0)


def _area(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, 2] - boxes[:, 0]).clamp(min=0) * (boxes[:, 3] - boxes[:, 1]).clamp(min=0)


def _in_view(
    objects: Sequence[AnnotatedObject], window: Window, position: dict[int, int]
) -> ViewObjects:
    corner = torch.tensor([window.left_px, window.top_px] * 2, dtype=torch.float32)
    sides = torch.tensor([window.width_px, window.height_px] * 2, dtype=torch.float32)
    boxes = torch.tensor([each.box for each in objects], dtype=torch.float32).reshape(-1, 4)
    classes = torch.tensor([position[each.class_id] for each in objects], dtype=torch.int64)
    boxes, kept = clipped((boxes - corner) / sides)
    return ViewObjects(boxes[kept], classes[kept])


def _check(rows: pd.DataFrame, classes: Sequence[CardClass], position: dict[int, int]) -> None:
    objects = rows["objects"] if "objects" in rows else pd.Series([None] * len(rows), rows.index)
    unsaid = rows.loc[~objects.map(lambda said: isinstance(said, str)), "image_id"]
    if len(unsaid):
        raise TrainingError(
            f"expected a list of objects for every image, got none for {len(unsaid)}, such as "
            f"{unsaid.iloc[0]}; annotate boxes, or an empty list where there is nothing"
        )
    for image_id, text in zip(rows["image_id"], objects, strict=True):
        strange = sorted({each.class_id for each in from_text(text)} - set(position))
        if strange:
            raise TrainingError(
                f"expected objects of the classes {[entry.name for entry in classes]} (ids "
                f"{list(position)}), got class ids {strange} on image {image_id}; add them to the "
                "classes or annotate that image again"
            )
