"""Where ids stand in a list of ids, for a hundred thousand at a time."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def positions(ids: pd.Series, among: pd.Series) -> np.ndarray:
    """Position of each id in `among`.

    Returns:
        (len(ids),) int64; -1 where it is not there.
    """
    found = pc.call_function("index_in", [_arrow(ids)], pc.SetLookupOptions(_arrow(among)))
    return np.asarray(found.fill_null(-1)).astype(np.int64)


def look_up(ids: pd.Series, among: pd.Series, values: pd.Series) -> pd.Series:
    """The value of each id, `values` being in the order of `among`; missing where it is not."""
    taken = values.reset_index(drop=True).reindex(positions(ids, among))
    return taken.set_axis(ids.index)


def _arrow(ids: pd.Series) -> pa.Array:
    array = pa.array(ids, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
