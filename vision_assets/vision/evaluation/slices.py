"""How often a bundle is right in each part of the images: by line, camera, exposure, size."""

from collections.abc import Sequence

import pandas as pd

from vision_assets.vision.errors import SpecError
from vision_assets.vision.evaluation.share import wilson

COLUMNS = ("column", "value", "n", "correct", "low", "high")
_MOST_VALUES = 20
_QUANTILES = 4


def slices(rows: pd.DataFrame, predictions: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Group the answers by columns of the manifest.

    Numbers with many values are cut at their quartiles; of other columns with many values the
    most frequent are kept, and the rest are counted together.

    Args:
        rows: the manifest rows of the images, with `image_id`.
        predictions: with `image_id` and `correct`.
        columns: what to group by.

    Returns:
        One row per column and value: `column`, `value`, `n`, `correct` (share), `low` and `high`
        (its 95 % interval); first the one whose interval ends lowest: it is surely bad, not few.

    Raises:
        SpecError: the manifest has no such column.
    """
    missing = sorted(set(columns) - set(rows.columns))
    if missing:
        raise SpecError(f"expected slices of {sorted(rows.columns)}, got {missing}")
    joined = rows.merge(predictions[["image_id", "correct"]], on="image_id", validate="1:1")
    found = [_slice(_values(joined[column]), joined["correct"], column) for column in columns]
    if not found:
        return pd.DataFrame(columns=pd.Index(COLUMNS))
    return pd.concat(found).sort_values(["high", "correct"], kind="stable", ignore_index=True)


def parts(rows: pd.DataFrame, column: str) -> pd.Series:
    """The slice that each row belongs to, by one column, cut as in `slices`.

    Raises:
        SpecError: the manifest has no such column.
    """
    if column not in rows:
        raise SpecError(f"expected a column of {sorted(rows.columns)}, got {column!r}")
    return _values(rows[column])


def _slice(values: pd.Series, correct: pd.Series, column: str) -> pd.DataFrame:
    grouped = correct.astype(float).groupby(values.to_numpy()).agg(["size", "mean", "sum"])
    low, high = wilson(grouped["sum"], grouped["size"])
    return pd.DataFrame(
        {
            "column": column,
            "value": grouped.index.astype(str),
            "n": grouped["size"].to_numpy(),
            "correct": grouped["mean"].to_numpy(),
            "low": low,
            "high": high,
        }
    )


def _values(values: pd.Series) -> pd.Series:
    if values.nunique() <= _MOST_VALUES:
        return values.astype("string").fillna("missing")
    if pd.api.types.is_numeric_dtype(values):
        cut = pd.qcut(values.astype(float), _QUANTILES, duplicates="drop")
        names = {part: f"{part.left:.4g} to {part.right:.4g}" for part in cut.cat.categories}
        return cut.cat.rename_categories(names).astype("string").fillna("missing")
    frequent = values.value_counts().index[:_MOST_VALUES]
    return values.astype("string").where(values.isin(frequent), "others").fillna("missing")
