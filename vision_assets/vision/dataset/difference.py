"""What changed between two manifests."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import pandas as pd

from vision_assets.vision.dataset.id_lookup import positions
from vision_assets.vision.manifest import SPLITS, TEXT


@dataclass(frozen=True)
class Difference:
    """Ids of the images that differ, each list sorted.

    Attributes:
        added: in the new manifest alone.
        removed: in the old manifest alone.
        relabelled: of another class or with other objects, or with a label where there was none,
            or the reverse.
        moved: in another split, or out of them.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    relabelled: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        return {field.name: len(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def between(cls, old: pd.DataFrame, new: pd.DataFrame) -> Self:
        """The difference of two manifests.

        An image that gets its first label enters the splits: it is relabelled, not moved.
        """
        row = positions(new["image_id"], old["image_id"])
        here, before = new[row >= 0], old.iloc[row[row >= 0]].set_axis(new.index[row >= 0])
        relabelled = _differs(here["class_id"], before["class_id"]) | _differs(
            here["objects"], before["objects"]
        )
        moved = before["split"].isin(SPLITS) & (here["split"] != before["split"])
        return cls(
            added=_sorted(new["image_id"][row < 0]),
            removed=_sorted(old["image_id"][~np.isin(np.arange(len(old)), row)]),
            relabelled=_sorted(here["image_id"][relabelled]),
            moved=_sorted(here["image_id"][moved]),
        )

    @classmethod
    def from_table(cls, table: pd.DataFrame) -> Self:
        """The reverse of `to_table`."""
        ids = {field.name: table["image_id"][table["kind"] == field.name] for field in fields(cls)}
        return cls(**{kind: _sorted(found) for kind, found in ids.items()})

    def to_table(self) -> pd.DataFrame:
        """`image_id` and `kind` of change, one row each; an image may be relabelled and moved."""
        ids = {field.name: getattr(self, field.name) for field in fields(self)}
        rows = {
            "image_id": [image_id for found in ids.values() for image_id in found],
            "kind": [kind for kind, found in ids.items() for _ in found],
        }
        return pd.DataFrame(rows, dtype=TEXT)


def difference(old: pd.DataFrame, new: pd.DataFrame) -> Difference:
    """What changed from manifest `old` to manifest `new`."""
    return Difference.between(old, new)


def _differs(here: pd.Series, before: pd.Series) -> pd.Series:
    """Whether values are others; two that are missing are the same."""
    return (here != before).fillna(here.notna() | before.notna()).astype(bool)


def _sorted(ids: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(ids))
