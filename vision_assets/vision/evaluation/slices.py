"""How a bundle does in each part of the images: by line, camera, exposure, size.

Of every task the same three shares of images: right ones, escapes, overkill.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vision_assets.vision.errors import SpecError
from vision_assets.vision.evaluation.costs import ESCAPE_RATE, OVERKILL_RATE, rated
from vision_assets.vision.evaluation.share import wilson

if TYPE_CHECKING:
    from pandas.core.groupby import SeriesGroupBy

_SHARES = (
    ("n", "correct", ""),
    ("defects", ESCAPE_RATE, f"{ESCAPE_RATE}_"),
    ("good", OVERKILL_RATE, f"{OVERKILL_RATE}_"),
)
"""How many images, the share of them, and what stands before `low` and `high` of its interval."""
COLUMNS = (
    *("column", "value"),
    *(name for n, share, of in _SHARES for name in (n, share, f"{of}low", f"{of}high")),
)
_MOST_VALUES = 20
_QUANTILES = 4
_FEWEST_DIGITS, _ALL_DIGITS = 4, 17


def slices(rows: pd.DataFrame, predictions: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Group the answers by columns of the manifest.

    Numbers with many values are cut at their quartiles; of other columns with many values the
    most frequent are kept, and the rest are counted together.

    Args:
        rows: the manifest rows of the images, with `image_id`.
        predictions: with `image_id`, `correct`, `defect` and `decision`.
        columns: what to group by.

    Returns:
        One row per column and value: `column`, `value`, `n`, `correct` (share), `low` and `high`
        (its 95 % interval); `defects` that were decided, `escape_rate` of these and its interval
        `escape_rate_low` to `escape_rate_high`; `good` and `overkill_rate` alike. What no image
        says is not a number. First the one whose interval of `correct` ends lowest: it is surely
        bad, not few.

    Raises:
        SpecError: the manifest has no such column.
    """
    missing = sorted(set(columns) - set(rows.columns))
    if missing:
        raise SpecError(f"expected slices of {sorted(rows.columns)}, got {missing}")
    outcomes = predictions.set_index("image_id").loc[rows["image_id"]]
    said = rated(outcomes).assign(correct=outcomes["correct"].astype(float))
    found = [_slice(_values(rows[column]), said, column) for column in columns]
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


def _slice(values: pd.Series, said: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row per value; both in the order of the images."""
    groups = values.to_numpy()
    found = [_share(said[share].groupby(groups), n, share, of) for n, share, of in _SHARES]
    table = pd.concat(found, axis=1).rename_axis("value").reset_index()
    return table.assign(column=column, value=table["value"].astype(str))[[*COLUMNS]]


def _share(hits: "SeriesGroupBy", n: str, share: str, of: str) -> pd.DataFrame:
    """Count, share and interval of each group; what no image says is not a number."""
    counted = hits.agg(["count", "mean", "sum"])
    ends = np.where(counted["count"] > 0, wilson(counted["sum"], counted["count"]), np.nan)
    found = {n: counted["count"], share: counted["mean"]}
    return pd.DataFrame(found | {f"{of}low": ends[0], f"{of}high": ends[1]})


def _values(values: pd.Series) -> pd.Series:
    if values.nunique() <= _MOST_VALUES:
        return values.astype("string").fillna("missing")
    if pd.api.types.is_numeric_dtype(values):
        cut = pd.qcut(values.astype(float), _QUANTILES, duplicates="drop")
        names = _range_names(cut.cat.categories)
        return cut.cat.rename_categories(names).astype("string").fillna("missing")
    frequent = values.value_counts().index[:_MOST_VALUES]
    return values.astype("string").where(values.isin(frequent), "others").fillna("missing")


def _range_names(ranges: pd.Index) -> list[str]:
    """As short as tells them apart."""
    names: list[str] = []
    for digits in range(_FEWEST_DIGITS, _ALL_DIGITS + 1):
        names = [f"{part.left:.{digits}g} to {part.right:.{digits}g}" for part in ranges]
        if len(set(names)) == len(names):
            break
    return names
