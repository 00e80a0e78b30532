"""What one image adds to the figures: counts of pixels, so that no mask needs to be kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion, distance_transform_edt

TOLERANCE_SHARE = 0.0075
"""Of the diagonal, by which outlines may lie apart (Csurka et al., "What is a good evaluation
measure for semantic segmentation?", 2013)."""
BOTH, SAID, SHOWN, NEAR_SAID, OUTLINE_SAID, NEAR_SHOWN, OUTLINE_SHOWN = range(7)
N_COUNTS = 7


@dataclass(frozen=True)
class PixelCounts:
    """Of one image, by the name of the class; only classes that are shown or said.

    Attributes:
        of_class: (7,) int each: pixels that are both, that are said, that are shown; pixels of
            the said outline that lie near the shown one, all of them, and the other way round.
    """

    of_class: Mapping[str, tuple[int, ...]]

    def to_text(self) -> str:
        """JSON, as predictions keep it."""
        return json.dumps(self.of_class, ensure_ascii=False, separators=(",", ":"))


def pixel_counts(said: np.ndarray, shown: np.ndarray, names: Mapping[int, str]) -> PixelCounts:
    """Compare two maps of one picture.

    Args:
        said: (h, w) uint8, index of the class of each pixel.
        shown: (h, w) uint8, the truth.
        names: of indices; 0 is the background, which has no outline of its own.
    """
    reach = max(1.0, TOLERANCE_SHARE * float(np.hypot(*said.shape)))
    present = sorted({*np.unique(said).tolist(), *np.unique(shown).tolist()})
    return PixelCounts(
        {names[index]: _of_class(said == index, shown == index, index, reach) for index in present}
    )


def table(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The counts of many images.

    Args:
        texts: as `PixelCounts.to_text` gives them.

    Returns:
        Names of classes, sorted, and (n, k, 7) float.
    """
    found = [json.loads(text) for text in texts]
    names = sorted({name for counts in found for name in counts})
    position = {name: index for index, name in enumerate(names)}
    values = np.zeros((len(found), len(names), N_COUNTS))
    for row, counts in enumerate(found):
        for name, of_class in counts.items():
            values[row, position[name]] = of_class
    return names, values


def _of_class(said: np.ndarray, shown: np.ndarray, index: int, reach: float) -> tuple[int, ...]:
    pixels = (int((said & shown).sum()), int(said.sum()), int(shown.sum()))
    if index == 0:
        return (*pixels, 0, 0, 0, 0)
    one, other = _outline(said), _outline(shown)
    return (*pixels, _near(one, other, reach), _n(one), _near(other, one, reach), _n(other))


def _outline(mask: np.ndarray) -> np.ndarray:
    """Its pixels that touch another one; the picture's edge is none."""
    return mask & ~binary_erosion(mask, border_value=1) if mask.any() else mask


def _near(one: np.ndarray, other: np.ndarray, reach: float) -> int:
    """Pixels of one that have a pixel of the other within reach."""
    if not one.any() or not other.any():
        return 0
    return int((np.asarray(distance_transform_edt(~other))[one] <= reach).sum())


def _n(mask: np.ndarray) -> int:
    return int(mask.sum())
