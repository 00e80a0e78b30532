"""Connected regions of a map of classes. Free of torch, in numpy alone.

Pixels of one class that touch, also by a corner, are one region. It works on runs of equal pixels
in a row instead of pixels: runs of neighbouring rows that touch are joined until nothing changes.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np


@dataclass(frozen=True)
class Region:
    """One connected region.

    Attributes:
        index: of its class in the map, from 1.
        area_px: pixels.
        level: mean of its pixels' levels.
        peak: the highest of them.
        runs: (r, 3) int64, row, first column, and the column after the last one.
    """

    index: int
    area_px: int
    level: float
    peak: float
    runs: np.ndarray

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        rows, begins, ends = self.runs.T
        return int(begins.min()), int(rows.min()), int(ends.max()), int(rows.max()) + 1

    @cached_property
    def mask(self) -> np.ndarray:
        """Its pixels inside of its box, (h, w) bool."""
        left, top, right, bottom = self.box
        edges = np.zeros((bottom - top, right - left + 1), np.int8)
        rows, begins, ends = self.runs.T
        np.add.at(edges, (rows - top, begins - left), 1)
        np.add.at(edges, (rows - top, ends - left), -1)
        return edges.cumsum(1, dtype=np.int8)[:, :-1].astype(bool)


def regions(
    classes: np.ndarray,
    levels: np.ndarray,
    min_area_px: float,
    most: int,
    first: Literal["largest", "highest"] = "largest",
) -> list[Region]:
    """The regions of all classes but 0, in order.

    Args:
        classes: (h, w) uint8 or bool.
        levels: (h, w) uint8 or float.
        min_area_px: of a region that counts.
        most: regions that are given at most.
        first: by area or by peak.
    """
    found, sums, peaks, runs = _runs(classes, levels)
    if not len(runs):
        return []
    _, component = np.unique(_joined(found, runs), return_inverse=True)
    lengths = runs[:, 2] - runs[:, 1]
    areas = np.bincount(component, lengths)
    totals = np.bincount(component, sums)
    highest = np.full(len(areas), -np.inf)
    np.maximum.at(highest, component, peaks)
    order = np.argsort(-(areas if first == "largest" else highest), kind="stable")[:most]
    by_component = np.argsort(component, kind="stable")
    ends = np.bincount(component).cumsum()
    starts = np.concatenate([[0], ends[:-1]])
    return [
        Region(
            index=int(found[by_component[starts[one]]]),
            area_px=int(areas[one]),
            level=float(totals[one] / areas[one]),
            peak=float(highest[one]),
            runs=runs[by_component[starts[one] : ends[one]]],
        )
        for one in order
        if areas[one] >= min_area_px
    ]


def _runs(
    classes: np.ndarray, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Class, sum and peak of levels, and (row, first column, end) of runs but of the background."""
    height, width = classes.shape
    changed = np.ones((height, width), bool)
    np.not_equal(classes[:, 1:], classes[:, :-1], out=changed[:, 1:])
    starts = np.flatnonzero(changed)
    lengths = np.diff(starts, append=height * width)
    of_run = classes.ravel()[starts]
    sums = np.add.reduceat(levels.ravel(), starts, dtype=np.float64)
    peaks = np.maximum.reduceat(levels.ravel(), starts)
    shown = of_run > 0
    rows, begins = np.divmod(starts[shown], width)
    runs = np.stack([rows, begins, begins + lengths[shown]], 1)
    return of_run[shown], sums[shown], peaks[shown], runs


def _joined(of_run: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """A number for each run, the same for all runs of a region."""
    upper, lower = _touching(runs)
    alike = of_run[upper] == of_run[lower]
    upper, lower = upper[alike], lower[alike]
    root = np.arange(len(runs))
    while (apart := root[upper] != root[lower]).any():
        upper, lower = upper[apart], lower[apart]
        one, other = root[upper], root[lower]
        np.minimum.at(root, np.maximum(one, other), np.minimum(one, other))
        while (further := root[root] != root).any():
            root = np.where(further, root[root], root)
    return root


def _touching(runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of runs in neighbouring rows that touch."""
    rows, begins, ends = runs.T
    stride = int(ends.max()) + 2
    first = np.searchsorted(rows * stride + ends, (rows + 1) * stride + begins, "left")
    last = np.searchsorted(rows * stride + begins, (rows + 1) * stride + ends, "right")
    counts = np.maximum(last - first, 0)
    upper = np.repeat(np.arange(len(runs)), counts)
    within = np.arange(len(upper)) - np.repeat(counts.cumsum() - counts, counts)
    return upper, np.repeat(first, counts) + within
