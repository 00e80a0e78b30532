"""A manifest as a Parquet file, and the fingerprint of its content."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from vision_assets.vision.dataset.id_lookup import sorted_by_id
from vision_assets.vision.manifest import COLUMNS, TEXT, attribute_columns
from vision_assets.vision.spec import ClassSpec

SCHEMA_VERSION = 1
_FINGERPRINTED = ("image_id", "class_id", "split", "group")
_OBJECTS = "objects"
_REPEATING = ("batch_id", "format", "mode", "label", "split", "given_split", "assigned_split")


def conform(images: pd.DataFrame) -> pd.DataFrame:
    """The frame with exactly the manifest's columns and types, attributes as strings behind."""
    types = COLUMNS | dict.fromkeys(sorted(attribute_columns(images.columns)), TEXT)
    return images[list(types)].astype(types)


def write_manifest(manifest: pd.DataFrame, path: Path) -> None:
    """Write a manifest; columns that repeat few values are dictionary-encoded."""
    table = pa.Table.from_pandas(manifest, preserve_index=False)
    repeating: Any = [column for column in _REPEATING if column in manifest]
    repeating += attribute_columns(manifest.columns)
    pq.write_table(
        table, path, compression="zstd", use_dictionary=repeating, write_statistics=False
    )


def read_manifest(path: Path, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """Read a manifest, or some columns of it, with the types that it was written with.

    A column that manifests of its release did not have yet has no values.
    """
    with pq.ParquetFile(path) as file:
        there = file.schema_arrow.names
        wanted = [*there, *(set(COLUMNS) - set(there))] if columns is None else list(columns)
        frame = file.read([name for name in wanted if name in there]).to_pandas(
            types_mapper=_pandas_type
        )
    new = {name: pd.Series(pd.NA, frame.index, COLUMNS[name]) for name in set(wanted) - set(there)}
    return frame.assign(**new)[wanted]


def fingerprint(manifest: pd.DataFrame, classes: Sequence[ClassSpec]) -> str:
    """SHA-256 of what the manifest says, whatever the order of its rows.

    Counted are id, class, split and group of each image, its objects and attributes, the class
    list and the schema version; not times, batches or statistics, which follow from the bytes.
    """
    attributes = sorted(attribute_columns(manifest.columns))
    if manifest[_OBJECTS].notna().any():  # without any, it is as it was before there were objects
        attributes.append(_OBJECTS)
    ordered = sorted_by_id(manifest)
    header = {
        "schema_version": SCHEMA_VERSION,
        "classes": [entry.recorded() for entry in sorted(classes, key=lambda entry: entry.id)],
        "columns": [*_FINGERPRINTED, *attributes],
        "rows": len(manifest),
    }
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for column in header["columns"]:
        _hash_column(digest, ordered[column])
    return digest.hexdigest()


def _hash_column(digest: "hashlib._Hash", values: pd.Series) -> None:
    """Feed one column: numbers, or the length of each text and then all characters.

    What is missing is -1.
    """
    if pd.api.types.is_integer_dtype(values.dtype):
        digest.update(values.fillna(-1).to_numpy(np.int64).astype("<i8").tobytes())
        return
    texts = pa.array(values.astype(TEXT), type=pa.large_string(), from_pandas=True)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    lengths = np.where(np.asarray(texts.is_valid()), np.diff(_bounds(texts)), -1)
    digest.update(lengths.astype("<i8").tobytes())
    digest.update(_characters(texts.drop_null()))


def _bounds(texts: pa.LargeStringArray) -> np.ndarray:
    """(n + 1,) int64: where each text begins, and where the last one ends."""
    offsets = np.frombuffer(texts.buffers()[1] or bytes(8), np.int64)
    return offsets[texts.offset : texts.offset + len(texts) + 1]


def _characters(texts: pa.LargeStringArray) -> memoryview:
    """The UTF-8 bytes of all texts, one behind the other."""
    data, bounds = texts.buffers()[2], _bounds(texts)
    return memoryview(data or b"")[bounds[0] : bounds[-1]]


def _pandas_type(type_: pa.DataType) -> object:
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return pd.StringDtype("pyarrow")
    return None
