"""How readily pixels are called an object: by an offset that makes the mean IoU of val highest.

Where a network is unsure, the background is the most likely class of nearly every pixel, and no
object is found at all. The highest IoU takes objects from a lower probability on than a half, the
lower the harder they are to tell (Lipton, Elkan, Naryanaswamy, "Thresholding Classifiers to
Maximize F1 Score", 2014).
"""

import numpy as np
import torch

_FARTHEST = 4.0
_BINS = 160
"""Margins beyond the farthest ones, odds of 1 to 55, are counted with them."""


class Readiness:
    """Counts pixels by how much more likely an object is than the background, batch by batch."""

    def __init__(self, n_outputs: int) -> None:
        self._said = np.zeros((n_outputs, _BINS), np.int64)
        self._right = np.zeros_like(self._said)
        self._shown = np.zeros(n_outputs, np.int64)

    def update(self, logits: torch.Tensor, maps: torch.Tensor) -> None:
        """Take in a batch.

        Args:
            logits: (n, k + 1, h, w), the background first.
            maps: (n, h, w) uint8, indices of classes.
        """
        highest, index = logits[:, 1:].max(1)
        margin = highest - logits[:, 0]
        bins = ((margin + _FARTHEST) * (_BINS / (2 * _FARTHEST))).clamp(0, _BINS - 1).long()
        said, shown = index + 1, maps.long()
        place = said * _BINS + bins
        self._said += self._counts(place)
        self._right += self._counts(place[said == shown])
        self._shown += np.bincount(shown.ravel().numpy(), minlength=len(self._shown))

    def offset(self) -> float:
        """What is added to the logits of objects; of offsets that are as good the least one.

        0 where no view shows an object.
        """
        there = np.flatnonzero(self._shown[1:]) + 1
        if not len(there):
            return 0.0
        said, right = (_from_each_bin(counts[there]) for counts in (self._said, self._right))
        iou = (right / (said + self._shown[there, None] - right)).mean(0)
        offsets = np.linspace(_FARTHEST, -_FARTHEST, _BINS, endpoint=False)
        best = offsets[np.isclose(iou, iou.max())]
        return float(best[np.abs(best).argmin()])

    def _counts(self, places: torch.Tensor) -> np.ndarray:
        counts = np.bincount(places.ravel().numpy(), minlength=self._said.size)
        return counts.reshape(self._said.shape)


def _from_each_bin(counts: np.ndarray) -> np.ndarray:
    """(k, bins): how many lie in a bin or above it."""
    return counts[:, ::-1].cumsum(1)[:, ::-1]
