"""What changed between two manifests."""

from dataclasses import dataclass, fields
from typing import Self

import pandas as pd

from vision_assets.vision.manifest import SPLITS


@dataclass(frozen=True)
class Difference:
    """Ids of the images that differ, each list sorted.

    Attributes:
        added: in the new manifest alone.
        removed: in the old manifest alone.
        relabelled: of another class, or with a label where there was none, or the reverse.
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
        columns = ["image_id", "class_id", "split"]
        both = old[columns].merge(new[columns], on="image_id", how="outer", suffixes=("", "_new"))
        here = ~both["split"].isna() & ~both["split_new"].isna()
        class_id, class_id_new = both["class_id"].fillna(-1), both["class_id_new"].fillna(-1)
        was_in = both["split"].isin(SPLITS)
        ids = both["image_id"]
        return cls(
            added=_sorted(ids[both["split"].isna()]),
            removed=_sorted(ids[both["split_new"].isna()]),
            relabelled=_sorted(ids[here & (class_id != class_id_new)]),
            moved=_sorted(ids[here & was_in & (both["split"] != both["split_new"])]),
        )


def difference(old: pd.DataFrame, new: pd.DataFrame) -> Difference:
    """What changed from manifest `old` to manifest `new`."""
    return Difference.between(old, new)


def _sorted(ids: pd.Series) -> tuple[str, ...]:
    return tuple(sorted(ids))
