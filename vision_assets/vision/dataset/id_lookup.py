"""Looking up and sorting ids, for a hundred thousand at a time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from vision_assets.vision.manifest import TEXT


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


def take_text(texts: Sequence[str], at: np.ndarray, index: pd.Index) -> pd.Series:
    """The text at each position; missing where the position is -1."""
    taken = pa.array(texts, pa.large_string()).take(pa.array(at, mask=at < 0))
    return pd.Series(pd.array(taken, TEXT), index)


def sorted_by_id(images: pd.DataFrame) -> pd.DataFrame:
    """The rows in the order of `image_id`; the same frame when it is sorted already."""
    ids = _arrow(images["image_id"])
    follows = pc.call_function("less_equal", [ids[:-1], ids[1:]])
    if pc.call_function("all", [follows]).as_py() is not False:
        return images
    order = np.asarray(pc.call_function("array_sort_indices", [ids]))
    return images.iloc[order]


def _arrow(ids: pd.Series) -> pa.Array:
    array = pa.array(ids, type=pa.large_string(), from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
