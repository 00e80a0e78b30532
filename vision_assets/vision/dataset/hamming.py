"""Pairs of 64-bit hashes that are a few bits apart: all of them, without comparing all with all.

Two hashes at most k bits apart agree in at least one of k + 1 parts (Manku, Jain, Das Sarma:
Detecting near-duplicates for web crawling, WWW 2007). So only hashes that share a part are
compared in full. Where too many share one, everything is compared, block by block.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

_CANDIDATES = 1 << 20
_ROWS, _COLUMNS = 32, 8192  # one block of 64-bit differences is 2 MiB and stays in the cache
_COST = 16  # comparing a candidate takes as long as comparing this many in a block

Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def close_pairs(left: np.ndarray, right: np.ndarray, max_bits: int) -> Iterator[Pairs]:
    """Pairs of one hash of `left` and one of `right`, at most `max_bits` apart, each once.

    Args:
        left: (n,) uint64, each once.
        right: (m,) uint64, each once.
        max_bits: largest Hamming distance.

    Yields:
        Positions in `left`, positions in `right` (int64) and the distances (uint8), in pieces
        that fit the cache.
    """
    if len(left) == 0 or len(right) == 0:
        return
    bounds = np.linspace(0, 64, max_bits + 2).astype(int)
    parts = [_Part.shared(left, right, low, high) for low, high in pairwise(bounds)]
    if _COST * sum(part.n for part in parts) > len(left) * len(right):
        yield from _compare_all(left, right, max_bits)
        return
    for number, part in enumerate(parts):
        for i, j in part.candidates():
            differing = left[i] ^ right[j]
            bits = np.bitwise_count(differing)
            close = bits <= max_bits
            for earlier in parts[:number]:  # where they agree in an earlier part, it was found
                close &= differing & earlier.mask != 0
            yield i[close], j[close], bits[close]


@dataclass(frozen=True)
class _Part:
    """Which hashes agree in some of their bits.

    Attributes:
        mask: these bits.
        order: positions in `right`, sorted by these bits.
        start: for each hash of `left`, where in `order` those that agree begin.
        count: and how many there are.
    """

    mask: np.uint64
    order: np.ndarray
    start: np.ndarray
    count: np.ndarray

    @classmethod
    def shared(cls, left: np.ndarray, right: np.ndarray, low: int, high: int) -> "_Part":
        mask = np.uint64((1 << high) - (1 << low))
        key = np.uint16 if high - low <= 16 else np.uint64  # 16 bits are sorted by radix
        a, b = (((hashes & mask) >> np.uint64(low)).astype(key) for hashes in (left, right))
        order = np.argsort(b, kind="stable")
        start, stop = (np.searchsorted(b[order], a, side) for side in ("left", "right"))
        return cls(mask, order, start, stop - start)

    @property
    def n(self) -> int:
        return int(self.count.sum())

    def candidates(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Positions in `left` and `right` that agree, some `_CANDIDATES` at a time."""
        ends = np.cumsum(self.count)
        steps = np.arange(0, ends[-1], _CANDIDATES)
        rows = np.unique([*np.searchsorted(ends, steps), len(ends)])
        for first, last in pairwise(rows):
            count = self.count[first:last]
            ahead = np.repeat(np.cumsum(count) - count, count)
            i = np.repeat(np.arange(first, last), count)
            yield i, self.order[self.start[i] + np.arange(len(i)) - ahead]


def _compare_all(left: np.ndarray, right: np.ndarray, max_bits: int) -> Iterator[Pairs]:
    for row in range(0, len(left), _ROWS):
        for column in range(0, len(right), _COLUMNS):
            rows, columns = left[row : row + _ROWS, None], right[column : column + _COLUMNS]
            bits = np.bitwise_count(rows ^ columns)
            close = bits <= max_bits
            if close.any():
                i, j = np.nonzero(close)
                yield i + row, j + column, bits[i, j]
