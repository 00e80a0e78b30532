"""Near duplicates by perceptual hash, and twins: encodings of the very same picture.

Two images are near duplicates when the Hamming distance of their 64-bit perceptual hashes is
small. Pairs are kept between distinct hashes, not between images: a thousand copies of one
picture are one hash and no pair. The search is exact; what is known of a previous version is
kept, so that only new hashes are compared with all.
"""

import numpy as np
import pandas as pd

from vision_assets.vision.dataset.hamming import close_pairs
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.manifest import NO_PHASH, TEXT

MAX_PAIRS = 20_000_000
_RASTER = ["phash", "width", "height", "mode", "orientation"]
_PICTURE = [*_RASTER, "brightness", "contrast", "sharpness"]


def no_pairs() -> pd.DataFrame:
    """An empty table of pairs: `first` < `second` (uint64 hashes), `bits` apart (uint8)."""
    return _pairs(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.uint8))


def near_pairs(hashes: np.ndarray, max_bits: int) -> pd.DataFrame:
    """All pairs of distinct hashes at most `max_bits` apart.

    Args:
        hashes: (n,) uint64 in any order; repeated ones and NO_PHASH do not count.
        max_bits: largest Hamming distance of a pair.

    Returns:
        One row per pair: `first`, `second` (uint64, first < second), `bits` (uint8).

    Raises:
        DatasetError: more than MAX_PAIRS pairs.
    """
    return extend_pairs(no_pairs(), np.empty(0, np.uint64), hashes, max_bits)


def extend_pairs(
    pairs: pd.DataFrame, known: np.ndarray, hashes: np.ndarray, max_bits: int
) -> pd.DataFrame:
    """`near_pairs(hashes, max_bits)`, given `pairs = near_pairs(known, max_bits)`."""
    hashes, known = distinct_hashes(hashes), distinct_hashes(known)
    new = np.setdiff1d(hashes, known, assume_unique=True)
    old = np.intersect1d(hashes, known, assume_unique=True)
    both_stay = _is_in(pairs["first"].to_numpy(), old) & _is_in(pairs["second"].to_numpy(), old)
    found = [pairs[both_stay], _search(new, new, max_bits), _search(new, old, max_bits)]
    return pd.concat(found).sort_values(["first", "second"], ignore_index=True)


def find_twins(images: pd.DataFrame) -> pd.Series:
    """For each image the first one of the same picture, or missing.

    Ids are hashes of the bytes, so the same bytes are one image already. The same pixels in
    other bytes (saved again without loss, other metadata) agree in perceptual hash, size, mode,
    orientation and, to the last bit, in brightness, contrast and sharpness.

    Of several such images counts the one that is in a split, then the labelled one, then the
    oldest.

    Args:
        images: columns of the store, `class_id`, `given_split`, `assigned_split`.

    Returns:
        `image_id` of the twin, indexed as `images`.
    """
    repeated = images["phash"].duplicated(keep=False) & (images["phash"] != NO_PHASH)
    candidates = _by_preference(images[repeated])
    first = candidates.groupby(_PICTURE, sort=False)["image_id"].transform("first")
    twins = first.where(first != candidates["image_id"])
    return twins.astype(TEXT).reindex(images.index)


def _by_preference(images: pd.DataFrame) -> pd.DataFrame:
    labelled = images["class_id"].notna()
    placed = labelled & (images["assigned_split"].notna() | images["given_split"].notna())
    keys = images[["received_at", "image_id"]].assign(placed=~placed, unlabelled=~labelled)
    order = keys.sort_values(["placed", "unlabelled", "received_at", "image_id"])
    return images.loc[order.index]


def distinct_hashes(hashes: np.ndarray) -> np.ndarray:
    """Sorted, each once, without NO_PHASH; uint64."""
    ordered = np.sort(hashes.astype(np.uint64, copy=False))  # quicker than np.unique's table
    first = ordered != NO_PHASH
    first[1:] &= ordered[1:] != ordered[:-1]
    return ordered[first]


def _is_in(hashes: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Membership in a sorted array."""
    if len(among) == 0:
        return np.zeros(len(hashes), bool)
    place = np.minimum(np.searchsorted(among, hashes), len(among) - 1)
    return among[place] == hashes


def _search(left: np.ndarray, right: np.ndarray, max_bits: int) -> pd.DataFrame:
    """Near pairs of one hash of `left` and one of `right`, which have none or all in common."""
    found, n = [no_pairs()], 0
    for i, j, bits in close_pairs(left, right, max_bits):
        first, second = np.minimum(left[i], right[j]), np.maximum(left[i], right[j])
        proper = (first != second) & ((left is not right) | (first == left[i]))
        found.append(_pairs(first[proper], second[proper], bits[proper]))
        n += int(proper.sum())
        if n > MAX_PAIRS:
            raise DatasetError(
                f"expected at most {MAX_PAIRS} pairs of near duplicates, got more within "
                f"{max_bits} bits: these images look alike; lower splits.near_duplicate_bits"
            )
    return pd.concat(found)


def _pairs(first: np.ndarray, second: np.ndarray, bits: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"first": first, "second": second, "bits": bits})
