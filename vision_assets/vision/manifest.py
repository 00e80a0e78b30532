"""The manifest: a pandas frame, one row per image, the currency of the platform.

Great Expectations validates it, splits are computed from it, reports slice by it.
"""

from collections.abc import Iterable

SPLITS = ("train", "val", "test")
HELD_OUT = "held_out"
UNLABELLED = "unlabelled"

TEXT = "string[pyarrow]"

STORE_COLUMNS = {
    "image_id": TEXT,
    "source": TEXT,
    "batch_id": TEXT,
    "received_at": "datetime64[us, UTC]",
    "format": TEXT,
    "width": "int32",
    "height": "int32",
    "mode": TEXT,
    "orientation": "int8",
    "size_bytes": "int64",
    "brightness": "float32",
    "contrast": "float32",
    "sharpness": "float32",
    "phash": "uint64",
}
"""What the image store knows of every image; brightness, contrast and sharpness in grey levels."""

ANNOTATION_COLUMNS = {"class_id": "Int64", "label": TEXT, "objects": TEXT}
"""The current annotation; missing in an unlabelled image.

objects: as `vision.objects` writes them; missing where nobody said which there are. Of an image
with objects, `class_id` and `label` are those of the class that stands for it.
"""

VERSION_COLUMNS = {
    "split": TEXT,
    "group": TEXT,
    "given_split": TEXT,
    "assigned_split": TEXT,
    "duplicate_of": TEXT,
    "held_out_because": TEXT,
}
"""What a dataset version adds.

split: one of SPLITS, `held_out` or `unlabelled`. group: images of one group are in one split;
missing outside of the splits. given_split: what the source says. assigned_split: where the image
was first put; it never enters another split by itself, also after it was held out. duplicate_of:
the twin with the same pixels. held_out_because: why a labelled image is in no split.
"""

COLUMNS = STORE_COLUMNS | ANNOTATION_COLUMNS | VERSION_COLUMNS
RESERVED_COLUMNS = frozenset(COLUMNS) | {"attributes", "bytes", "n_objects", "window"}
"""What no attribute may be named; `window` is the column of a training's views."""

NO_PHASH = 0
"""Perceptual hash of an image without structure (flat grey); near to nothing, not to itself."""


def attribute_columns(columns: Iterable[str]) -> list[str]:
    """Those of the columns that are attributes of a use case, such as line or lot."""
    return [column for column in columns if column not in COLUMNS]
