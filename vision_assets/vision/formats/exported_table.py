"""`manifest.csv`, which an export writes beside its images: a table of labels like any other.

Its ids of classes are kept when it is read again; the other columns are of the version that was
exported, and found anew.
"""

from collections.abc import Collection, Mapping
from pathlib import Path

from vision_assets.vision.formats.csv_table import read_csv

COLUMNS = ("file", "split", "label", "class_id", "image_id", "source", "group")
ERASED = "erased"
_OF_THE_VERSION = {*COLUMNS, ERASED} - {"file", "split", "label"}


def is_exported(columns: Collection[str]) -> bool:
    """Whether a table is one of an export."""
    return {*COLUMNS, ERASED} <= set(columns)


def label_row(row: Mapping[str, str]) -> dict[str, str] | None:
    """What a row says of its file; None where the image was erased."""
    said = {name: text for name, text in row.items() if name not in _OF_THE_VERSION}
    return said if row["file"] else None


def class_ids(path: Path) -> dict[str, int]:
    """Id of each class that the table names, the lowest first; empty where it has no ids."""
    found: dict[str, int] = {}
    for _, row in read_csv(path, ("file", "label")):
        if not is_exported(row):
            return {}
        if row["class_id"].isdecimal():  # `(nothing)` has the id -1
            found[row["label"]] = int(row["class_id"])
    return dict(sorted(found.items(), key=lambda item: item[1]))
