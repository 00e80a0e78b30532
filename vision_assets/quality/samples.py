"""Rows of a frame as plain Python, for reports and JSON."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


def sample_rows(rows: pd.DataFrame, columns: Sequence[str], n: int) -> list[dict[str, Any]]:
    """The first n rows, as dictionaries of JSON-ready values."""
    return [
        {str(name): json_ready(value) for name, value in row.items()}
        for row in rows[list(dict.fromkeys(columns))].head(n).to_dict("records")
    ]


def json_ready(value: Any) -> Any:
    """Plain Python, with None for what is missing or not a number."""
    if isinstance(value, dict):
        return {str(key): json_ready(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set):
        return [json_ready(entry) for entry in value]
    if isinstance(value, np.generic):
        return json_ready(value.item())
    if value is None or value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
