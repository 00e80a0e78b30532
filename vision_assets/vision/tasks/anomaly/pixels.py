"""How well anomaly maps find the pixels of defects, in memory that does not grow with images.

Maps come in 256 levels, so counts per level say all. Regions are those of Bergmann et al., "The
MVTec Anomaly Detection Dataset", 2021: PRO is the mean share of each connected region that is
found, over thresholds that take up to 30 % of the sound pixels for defects.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import label as connected

from vision_assets.vision.objects import AnnotatedObject, from_text

_LEVELS = 256
_MOST_FALSE = 0.3
_TOUCHING = np.ones((3, 3))


class PixelFigures:
    """Counts of pixels by the level of the map, sound ones, defect ones, and those of regions.

    Attributes:
        images: how many were counted.
        regions: connected regions of defects in them.
    """

    def __init__(self) -> None:
        self.images = self.regions = 0
        self._sound = np.zeros(_LEVELS)
        self._defect = np.zeros(_LEVELS)
        self._of_regions = np.zeros(_LEVELS)

    def update(self, mask: np.ndarray, anomaly_map: np.ndarray) -> None:
        """Count one image.

        Args:
            mask: (h, w) bool, the pixels of its defects.
            anomaly_map: (h', w') uint8, over the same picture.
        """
        height, width = mask.shape
        resized = Image.fromarray(anomaly_map).resize((width, height), Image.Resampling.BILINEAR)
        levels = np.asarray(resized)
        self.images += 1
        self._sound += np.bincount(levels[~mask], minlength=_LEVELS)
        self._defect += np.bincount(levels[mask], minlength=_LEVELS)
        numbers, n = connected(mask, _TOUCHING)  # type: ignore[misc]
        region = np.asarray(numbers, np.int32)[mask]
        shares = 1 / np.bincount(region)[region]
        self._of_regions += np.bincount(levels[mask], shares, minlength=_LEVELS)
        self.regions += n

    def metrics(self) -> dict[str, float]:
        """`pixel_auroc`, `pixel_f1` (of the best threshold) and `pro`; nothing without defects."""
        if not self.regions:
            return {}
        curve = self.curve()
        false, recall = curve["false_alarms"].to_numpy(), curve["recall"].to_numpy()
        return {
            "pixel_auroc": float(np.trapezoid(recall, false)),
            "pixel_f1": self._best_f1(),
            "pro": _area_up_to(false, curve["overlap"].to_numpy(), _MOST_FALSE) / _MOST_FALSE,
        }

    def curve(self) -> pd.DataFrame:
        """One row for each level as the threshold, highest first: `threshold`, `false_alarms`
        (share of sound pixels), `recall` (of defect pixels), `overlap` (mean over regions)."""
        counts = (self._sound, self._defect, self._of_regions)
        false, recall, overlap = (_from_the_top(each) for each in counts)
        threshold = np.append(np.nan, np.arange(_LEVELS)[::-1] / (_LEVELS - 1))
        return pd.DataFrame(
            {
                "threshold": threshold,
                "false_alarms": false / max(1.0, self._sound.sum()),
                "recall": recall / max(1.0, self._defect.sum()),
                "overlap": overlap / max(1, self.regions),
            }
        )

    def _best_f1(self) -> float:
        right, wrong = _from_the_top(self._defect), _from_the_top(self._sound)
        return float((2 * right / (right + wrong + self._defect.sum())).max())


def mask_of(row: Mapping[str, Any], defect: bool | None) -> np.ndarray | None:
    """The pixels of an image's defects, (h, w) bool; None where they are not known.

    Args:
        row: of the manifest.
        defect: whether the image shows one; of a normal image all pixels are sound.
    """
    height, width = int(row["height"]), int(row["width"])
    if defect is False:
        return np.zeros((height, width), bool)
    text = row.get("objects")
    objects = from_text(text) if isinstance(text, str) else ()
    if not objects or not all(map(_has_pixels, objects)):
        return None
    mask = np.zeros((height, width), bool)
    for each in objects:
        mask |= each.pixels(height, width)
    return mask


def _has_pixels(each: AnnotatedObject) -> bool:
    return each.mask is not None or bool(each.polygons)


def _from_the_top(counts: np.ndarray) -> np.ndarray:
    """Counts at or above each level, from above the highest to the lowest; (257,)."""
    return np.append(0.0, counts[::-1].cumsum())


def _area_up_to(x: np.ndarray, y: np.ndarray, end: float) -> float:
    """Below a curve whose x rise, up to an x between two of its points."""
    kept = x <= end
    x, y = np.append(x[kept], end), np.append(y[kept], np.interp(end, x, y))
    return float(np.trapezoid(y, x))
