"""What the image store keeps: one record class per table, the one source of its Arrow schema.

Everything is append-only but the bytes of an erased image. What changes (a label, whether a
quarantined item is settled) is a view over records that are never rewritten.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, get_type_hints

import numpy as np
import pyarrow as pa

SCHEMA_VERSION = 1
LABEL, OBJECTS = "label", "objects"
KINDS = (LABEL, OBJECTS)
"""Of annotations: a label of the whole image, or all objects on it."""
DISPUTED = "disputed"
"""Objects that contradict the current ones: they hold once a person accepts the item of the
quarantine that has the event's id."""
SCHEMA_VERSION_KEY = b"vision_assets.schema_version"

# Made once: `json.dumps` with arguments makes one at each call.
_ENCODE = json.JSONEncoder().encode
_ENCODE_UNICODE = json.JSONEncoder(ensure_ascii=False).encode

Text = Annotated[str, pa.string()]
OptionalText = Annotated[str | None, pa.string()]
Bytes = Annotated[bytes | None, pa.large_binary()]
Int8 = Annotated[int, pa.int8()]
Int32 = Annotated[int, pa.int32()]
Int64 = Annotated[int, pa.int64()]
OptionalInt64 = Annotated[int | None, pa.int64()]
UInt64 = Annotated[int, pa.uint64()]
Float32 = Annotated[float, pa.float32()]
Time = Annotated[datetime, pa.timestamp("us", tz="UTC")]


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One accepted image.

    Attributes:
        image_id: SHA-256 of the bytes as received, hexadecimal.
        source: path below the landing folder of the first file that held it.
        width: of the upright picture, pixels.
        height: of the upright picture, pixels.
        orientation: EXIF orientation 1..8 of the stored bytes.
        size_bytes: length as received.
        brightness: mean grey level, 0..255.
        contrast: standard deviation of the grey levels.
        sharpness: variance of the Laplacian.
        phash: perceptual hash of the upright picture; 0 where the picture is flat.
        attributes: JSON object of texts.
        bytes: the encoded image without private metadata.
    """

    image_id: Text
    source: Text
    batch_id: Text
    received_at: Time
    format: Text
    width: Int32
    height: Int32
    mode: Text
    orientation: Int8
    size_bytes: Int64
    brightness: Float32
    contrast: Float32
    sharpness: Float32
    phash: UInt64
    given_split: OptionalText
    attributes: Text
    bytes: Bytes


@dataclass(frozen=True, slots=True)
class Annotation:
    """One thing said of an image, by a person or a model.

    Attributes:
        kind: one of KINDS, or DISPUTED; of a proposal also what a person made of it.
        class_id: of the image; of one with objects, the class that stands for it.
        geometry: all objects of the image, as `vision.objects` writes them; None in a label.
        supersedes: the event that this one takes the place of.
    """

    event_id: Text
    image_id: Text
    kind: Text
    class_id: OptionalInt64
    label: OptionalText
    geometry: OptionalText
    attributes: Text
    author: Text
    source: Text
    time: Time
    supersedes: OptionalText


@dataclass(frozen=True, slots=True)
class AnnotationFault:
    """One thing that was wrong with an annotation, and what was done about it.

    Attributes:
        image_id: of the image that it speaks of; None where there is none.
        kind: a `Kind` of `formats.annotations.said`.
        file: the annotation file, below the landing folder; the image where there is none.
        object_index: of the object in its file, from 1; None of the whole file.
    """

    fault_id: Text
    batch_id: Text
    image_id: OptionalText
    kind: Text
    file: Text
    object_index: OptionalInt64
    detail: Text
    done: Text
    time: Time


@dataclass(frozen=True, slots=True)
class Refusal:
    """One item of the quarantine.

    Attributes:
        bytes: as received; missing where the image is stored anyway, where there are none, and
            where there are too many (then the file stays in the landing folder).
    """

    item_id: Text
    image_id: Text
    reason: Text
    detail: Text
    label: OptionalText
    given_split: OptionalText
    attributes: Text
    source: Text
    batch_id: Text
    time: Time
    bytes: Bytes


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a person decided of an item of the quarantine."""

    item_id: Text
    decision: Text
    label: OptionalText
    author: Text
    why: Text
    time: Time


@dataclass(frozen=True, slots=True)
class Discard:
    """The bytes of an item of the quarantine are gone; the item stays."""

    item_id: Text
    time: Time
    why: Text
    size_bytes: Int64


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What one batch did with one path."""

    entry_id: Text
    batch_id: Text
    path: Text
    size_bytes: Int64
    modified_ns: Int64
    image_id: OptionalText
    item_id: OptionalText
    status: Text
    reason: OptionalText
    detail: OptionalText
    time: Time


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """A class id and a name that it has or had."""

    entry_id: Text
    class_id: Int64
    name: Text
    origin: Text
    time: Time


@dataclass(frozen=True, slots=True)
class Erasure:
    """An image whose bytes were removed for good."""

    image_id: Text
    author: Text
    why: Text
    time: Time
    size_bytes: Int64
    source: Text


def schema_of(record: type) -> pa.Schema:
    """The Arrow schema of a record class, with the schema version in its metadata."""
    hints = get_type_hints(record, include_extras=True)
    columns = [(field.name, hints[field.name].__metadata__[0]) for field in fields(record)]
    return pa.schema(columns, metadata={SCHEMA_VERSION_KEY: str(SCHEMA_VERSION).encode()})


def to_arrow(records: Iterable[Any], record: type) -> pa.Table:
    """Records of one class as an Arrow table."""
    records = list(records)
    schema = schema_of(record)
    columns = [_column(list(map(attrgetter(field.name), records)), field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def digest(*parts: object) -> str:
    """A deterministic id of 32 hexadecimal digits: the same parts, the same id."""
    # The text of a JSON list, in half of the time that encoding the list takes.
    text = "[" + ", ".join([_ENCODE(str(part)) for part in parts]) + "]"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def attributes_json(attributes: Mapping[str, str]) -> str:
    """Attributes as the text that the tables hold."""
    return _ENCODE_UNICODE(dict(sorted(attributes.items()))) if attributes else "{}"


def _column(values: list[Any], type: pa.DataType) -> pa.Array:
    return _binary_column(values) if type == pa.large_binary() else pa.array(values, type)


def _binary_column(values: list[bytes | None]) -> pa.Array:
    """Encoded images, copied once; `pa.array` would grow and copy its buffer again and again."""
    filled = [value or b"" for value in values]
    offsets = np.zeros(len(filled) + 1, np.int64)
    np.cumsum([len(value) for value in filled], out=offsets[1:])
    there = pa.array([value is not None for value in values]).buffers()[1]
    data = b"".join(filled)
    buffers = [there, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_binary(), len(filled), buffers)
