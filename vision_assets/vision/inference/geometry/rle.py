"""Masks as run lengths, in the compressed form of COCO: short texts, read by every tool.

The runs go down the columns, the first one is of pixels outside the mask; each is written as the
difference to the run two before it, in groups of five bits. The form is that of Lin et al.,
"Microsoft COCO: Common Objects in Context", 2014, as its API writes it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

_GROUP_BITS = 5
_GROUP_MASK = 0x1F
_SIGN_BIT = 0x10
_MORE_BIT = 0x20
_FIRST_CHARACTER = 48
_FIRST_DIFFERENCE = 3
MAX_PIXELS = 1 << 28
_MOST_GROUPS = 7


@dataclass(frozen=True, slots=True)
class Rle:
    """One mask.

    Attributes:
        height_px: of the mask.
        width_px: of the mask.
        counts: the runs, compressed.
    """

    height_px: int
    width_px: int
    counts: str

    def to_json(self) -> dict[str, Any]:
        """As COCO writes it: `size` is height and width."""
        return {"size": [self.height_px, self.width_px], "counts": self.counts}

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Rle":
        """The reverse of `to_json`; `counts` may be a list of runs as well.

        Raises:
            ValueError: it is no mask of a size in bounds.
        """
        height, width = (int(side) for side in said["size"])
        _check_size(height, width)
        counts = said["counts"]
        if isinstance(counts, str):
            return cls(height, width, counts)
        runs = np.asarray(counts, np.int64)
        _check_runs(runs, height, width)
        return cls(height, width, _compressed(runs))


def encode(mask: np.ndarray) -> Rle:
    """A mask, (h, w) bool, as run lengths."""
    height, width = mask.shape
    flat = mask.astype(bool).ravel(order="F")
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes, [flat.size]])
    runs = np.diff(starts)
    if flat.size and flat[0]:
        runs = np.concatenate([[0], runs])
    return Rle(height, width, _compressed(runs))


def encode_part(mask: np.ndarray, left_px: int, top_px: int, height_px: int, width_px: int) -> Rle:
    """A part of a mask outside of which nothing is set, without making the whole.

    Args:
        mask: (h, w) bool, the part.
        left_px: of the part in the whole.
        top_px: of the part in the whole.
        height_px: of the whole.
        width_px: of the whole.
    """
    columns, rows = np.nonzero(mask.T)
    places = (columns + left_px) * height_px + rows + top_px
    begins = np.flatnonzero(np.diff(places, prepend=-2) > 1)
    first = places[begins]
    last = places[np.append(begins[1:], len(places)) - 1] if len(places) else places
    edges = np.stack([first, last + 1], 1).ravel()
    ends = np.append(edges, height_px * width_px)
    runs = np.diff(ends, prepend=0)
    if len(runs) > 1 and runs[-1] == 0:
        runs = runs[:-1]
    return Rle(height_px, width_px, _compressed(runs))


def decode(rle: Rle) -> np.ndarray:
    """The mask, (h, w) bool.

    Raises:
        ValueError: the runs do not fill the size.
    """
    _check_size(rle.height_px, rle.width_px)
    runs = _runs(rle.counts)
    _check_runs(runs, rle.height_px, rle.width_px)
    flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return flat.reshape(rle.width_px, rle.height_px).T


def area(rle: Rle) -> int:
    """Pixels inside; decodes no mask."""
    return int(_runs(rle.counts)[1::2].sum())


def _compressed(runs: np.ndarray) -> str:
    values = runs.astype(np.int64).copy()
    values[_FIRST_DIFFERENCE:] -= runs[1:-2]
    return "".join(map(_character_groups, values.tolist()))


def _character_groups(value: int) -> str:
    text, more = "", True
    while more:
        group = value & _GROUP_MASK
        value >>= _GROUP_BITS
        more = value != (-1 if group & _SIGN_BIT else 0)
        text += chr((group | _MORE_BIT if more else group) + _FIRST_CHARACTER)
    return text


def _runs(counts: str) -> np.ndarray:
    """The runs of a compressed text.

    Raises:
        ValueError: the text is damaged.
    """
    values: list[int] = []
    value = shift = 0
    for character in counts.encode("ascii", "replace"):
        group = character - _FIRST_CHARACTER
        if not 0 <= group < 2 * _MORE_BIT or shift >= _MOST_GROUPS * _GROUP_BITS:
            raise ValueError("expected run lengths in the compressed form of COCO")
        value |= (group & _GROUP_MASK) << shift
        shift += _GROUP_BITS
        if not group & _MORE_BIT:
            if group & _SIGN_BIT:
                value -= 1 << shift
            values.append(value + (values[-2] if len(values) >= _FIRST_DIFFERENCE else 0))
            value = shift = 0
    if shift:
        raise ValueError("expected run lengths in the compressed form of COCO, got half a number")
    return np.array(values, np.int64)


def _check_size(height: int, width: int) -> None:
    if not (height > 0 and width > 0 and height * width <= MAX_PIXELS):
        raise ValueError(f"expected a mask of 1 to {MAX_PIXELS} pixels, got {width} x {height}")


def _check_runs(runs: np.ndarray, height: int, width: int) -> None:
    if (runs < 0).any() or runs.sum() != height * width:
        raise ValueError(
            f"expected runs over {width} x {height} pixels, got {int(runs.sum())} pixels"
        )
