"""Objects as a map of class indices: 0 is the background, class i of the card is i + 1."""

from collections.abc import Mapping, Sequence

import numpy as np

from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.objects import AnnotatedObject

MOST_CLASSES = 254
"""An index is one byte."""


def indices(classes: Sequence[CardClass]) -> dict[int, int]:
    """Index in a map of each class, by its id."""
    return {entry.id: position + 1 for position, entry in enumerate(classes)}


def class_map(
    objects: Sequence[AnnotatedObject], height_px: int, width_px: int, index: Mapping[int, int]
) -> np.ndarray:
    """The class of every pixel of a picture, (h, w) uint8.

    Where objects overlap the smaller one is seen: it lies on the larger one. Objects with neither
    mask nor outline fill their box.

    Args:
        objects: in pixels of the picture.
        height_px: of the picture.
        width_px: of the picture.
        index: of each class, by its id.

    Raises:
        KeyError: an object is of another class.
        ValueError: a mask is of another size or damaged.
    """
    found = np.zeros((height_px, width_px), np.uint8)
    for each in sorted(objects, key=lambda one: (-one.area, one.class_id)):
        found[each.pixels(height_px, width_px)] = index[each.class_id]
    return found
