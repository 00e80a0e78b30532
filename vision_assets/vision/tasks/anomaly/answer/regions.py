"""Connected regions of an anomaly map, as boxes and outlines. Free of torch."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

Point = tuple[int, int]
"""x and y of a corner between cells."""


_SIDES = (
    ((-1, 0), (0, 0), (1, 0)),
    ((0, 1), (1, 0), (1, 1)),
    ((1, 0), (1, 1), (0, 1)),
    ((0, -1), (0, 1), (0, 0)),
)
"""Of a cell: where its neighbour lies (down, across), and the corners (x, y) between the two."""


@dataclass(frozen=True)
class Region:
    """Cells that touch each other, also by a corner.

    Attributes:
        score: largest value.
        box: left, top, right, bottom in cells.
        outlines: of each piece, without holes, as corners between cells.
    """

    score: float
    box: tuple[int, int, int, int]
    outlines: tuple[tuple[Point, ...], ...]


def find_regions(values: np.ndarray, threshold: float, most: int) -> list[Region]:
    """The regions from a threshold up, highest first.

    Args:
        values: (h, w) float.
        threshold: smallest value of a cell that counts.
        most: how many are given.
    """
    numbers = components(values >= threshold)
    n = int(numbers.max(initial=0))
    highest = np.full(n + 1, -np.inf)
    np.maximum.at(highest, numbers.ravel(), values.ravel())
    order = np.argsort(-highest[1:], kind="stable")[:most] + 1
    return [_region(numbers == number, float(highest[number])) for number in order]


def components(mask: np.ndarray) -> np.ndarray:
    """Numbers the connected regions of a mask from 1, (h, w) int; 0 outside.

    Runs of cells in a row are joined with those that they touch in the row above.
    """
    rows, starts, ends = _runs(mask)
    parent = list(range(len(rows)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    above = 0
    for run in range(len(rows)):
        while above < run and (
            rows[above] < rows[run] - 1 or (rows[above] < rows[run] and ends[above] < starts[run])
        ):
            above += 1
        other = above
        while other < run and rows[other] == rows[run] - 1 and starts[other] <= ends[run]:
            parent[root(run)] = root(other)
            other += 1
    _, numbers = np.unique([root(run) for run in parent], return_inverse=True)
    found = np.zeros(mask.shape, np.int64)
    for row, start, end, number in zip(rows, starts, ends, numbers, strict=True):
        found[row, start:end] = number + 1
    return found


def _runs(mask: np.ndarray) -> tuple[list[int], list[int], list[int]]:
    """Row, first and one past the last column of each run, row by row."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    return rows.tolist(), starts.tolist(), ends.tolist()


def _region(cells: np.ndarray, score: float) -> Region:
    rows, columns = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
    top, left = int(rows[0]), int(columns[0])
    bottom, right = int(rows[-1]) + 1, int(columns[-1]) + 1
    outlines = tuple(
        tuple((x + left, y + top) for x, y in outline)
        for outline in outlines_of(cells[top:bottom, left:right])
    )
    return Region(score, (left, top, right, bottom), outlines)


def outlines_of(cells: np.ndarray) -> list[list[Point]]:
    """The corners of each piece of a mask, clockwise; holes are left out."""
    edges = _edges(cells)
    found: list[list[Point]] = []
    while edges:
        start = next(iter(edges))
        loop, here = [start], _follow(edges, start)
        while here != start:
            loop.append(here)
            here = _follow(edges, here)
        if _doubled_area(loop) > 0:
            found.append(_corners(loop))
    return found


def _edges(cells: np.ndarray) -> dict[Point, list[Point]]:
    """From corner to corner around the cells, which lie to the right of each edge."""
    inside = np.pad(cells, 1)
    edges: dict[Point, list[Point]] = defaultdict(list)
    for (down, across), first, second in _SIDES:
        beside = np.roll(inside, (-down, -across), (0, 1))
        for y, x in np.argwhere(inside & ~beside).tolist():
            edges[x - 1 + first[0], y - 1 + first[1]].append((x - 1 + second[0], y - 1 + second[1]))
    return edges


def _follow(edges: dict[Point, list[Point]], corner: Point) -> Point:
    """The end of an edge that begins here, which is taken away."""
    ends = edges[corner]
    end = ends.pop()
    if not ends:
        del edges[corner]
    return end


def _doubled_area(loop: list[Point]) -> int:
    """Of a loop; positive where it is clockwise as the picture is seen."""
    x, y = np.array(loop).T
    return int(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def _corners(loop: list[Point]) -> list[Point]:
    """The points at which a loop turns."""
    points = np.array(loop)
    before, after = points - np.roll(points, 1, 0), np.roll(points, -1, 0) - points
    return [loop[place] for place in np.flatnonzero((before != after).any(1))]
