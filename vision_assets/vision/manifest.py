"""The manifest: a pandas frame, one row per image, the currency of the platform.

Great Expectations validates it, splits are computed from it, reports slice by it.
"""

SPLITS = ("train", "val", "test")
HELD_OUT = "held_out"
UNLABELLED = "unlabelled"

STORE_COLUMNS = {
    "image_id": "string",
    "source": "string",
    "batch_id": "string",
    "received_at": "datetime64[us, UTC]",
    "format": "string",
    "width": "int32",
    "height": "int32",
    "mode": "string",
    "orientation": "int8",
    "size_bytes": "int64",
    "brightness": "float32",
    "contrast": "float32",
    "sharpness": "float32",
    "phash": "uint64",
}
"""What the image store knows of every image; brightness, contrast and sharpness in grey levels."""

ANNOTATION_COLUMNS = {"class_id": "Int64", "label": "string"}
"""The current label; missing in an unlabelled image."""

VERSION_COLUMNS = {
    "split": "string",
    "group": "string",
    "duplicate_of": "string",
    "held_out_because": "string",
}
"""What a dataset version adds: split, leakage group, exact twin, and why an image is in no split."""

COLUMNS = STORE_COLUMNS | ANNOTATION_COLUMNS | VERSION_COLUMNS
RESERVED_COLUMNS = frozenset(COLUMNS) | {"given_split", "attributes", "bytes"}
