"""Which images belong together: near duplicates, and images of one part, lot or other attribute."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from vision_assets.vision.dataset.duplicates import distinct_hashes
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.manifest import NO_PHASH, attribute_columns


@dataclass(frozen=True)
class Links:
    """Direct links between n images.

    Attributes:
        keys: arrays (n,) of int64 codes; two images with the same code are linked, -1 links to
            nothing. The first key is the perceptual hash.
        near: (m, 2) int64, pairs of codes of the first key whose images are linked as well.
    """

    keys: tuple[np.ndarray, ...]
    near: np.ndarray

    @classmethod
    def between(cls, images: pd.DataFrame, pairs: pd.DataFrame, group_by: tuple[str, ...]) -> Self:
        """Links by perceptual hash, by near pairs of hashes, and by the attributes `group_by`.

        A column `group` that the source gives counts as one of these attributes.

        Raises:
            DatasetError: an attribute of `group_by` is none of the images'.
        """
        names = _grouping(images, group_by)
        hashes = images["phash"].to_numpy(np.uint64)
        distinct = distinct_hashes(hashes)
        codes = np.where(hashes == NO_PHASH, -1, np.searchsorted(distinct, hashes))
        ends = [np.searchsorted(distinct, pairs[end].to_numpy()) for end in ("first", "second")]
        attributes = (_codes(images[name]) for name in names)
        return cls((codes, *attributes), np.stack(ends, axis=1))

    def touched(self, marks: np.ndarray) -> np.ndarray:
        """For each image, the marks of all images that it is linked to, and its own.

        Args:
            marks: (n,) uint8, bits.

        Returns:
            (n,) uint8, the bits of all linked images or-ed together.
        """
        result = np.zeros_like(marks)
        for position, codes in enumerate(self.keys):
            linked = codes >= 0
            of_code = np.zeros(codes.max(initial=-1) + 1, np.uint8)
            np.bitwise_or.at(of_code, codes[linked], marks[linked])
            if position == 0:
                of_code = self._with_neighbours(of_code)
            result[linked] |= of_code[codes[linked]]
        return result

    def components(self, members: np.ndarray) -> np.ndarray:
        """Which connected component each member is in, by links between members alone.

        Args:
            members: (n,) bool.

        Returns:
            (n,) int64, the number of its component; -1 for those that are no members.
        """
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        starts, ends, n_nodes = [], [], len(members)
        for position, codes in enumerate(self.keys):
            linked = np.flatnonzero((codes >= 0) & members)
            starts.append(linked)
            ends.append(codes[linked] + n_nodes)
            if position == 0:
                near = self._near_between(codes[linked])
                starts.append(near[:, 0] + n_nodes)
                ends.append(near[:, 1] + n_nodes)
            n_nodes += codes.max(initial=-1) + 1
        rows, columns = (np.concatenate(nodes).astype(np.int32) for nodes in (starts, ends))
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(n_nodes, n_nodes))
        labels = connected_components(graph, directed=False)[1][: len(members)]
        return np.where(members, labels, -1).astype(np.int64)

    def _with_neighbours(self, of_code: np.ndarray) -> np.ndarray:
        result = of_code.copy()
        np.bitwise_or.at(result, self.near[:, 0], of_code[self.near[:, 1]])
        np.bitwise_or.at(result, self.near[:, 1], of_code[self.near[:, 0]])
        return result

    def _near_between(self, codes: np.ndarray) -> np.ndarray:
        """The near pairs of which both hashes are there."""
        there = np.zeros(self.keys[0].max(initial=-1) + 1, bool)
        there[codes] = True
        return self.near[there[self.near].all(axis=1)]


def _codes(values: pd.Series) -> np.ndarray:
    return pd.factorize(values.replace("", pd.NA))[0].astype(np.int64)


def _grouping(images: pd.DataFrame, group_by: tuple[str, ...]) -> list[str]:
    given = ["group"] if "group" in images else []
    attributes = attribute_columns(images.columns) + given
    unknown = sorted(set(group_by) - set(attributes))
    if unknown:
        raise DatasetError(
            f"splits.group_by expects attributes of the images, one of {attributes}, "
            f"got {unknown}; name them in source.pattern or in the CSV"
        )
    return sorted({*group_by, *given})
