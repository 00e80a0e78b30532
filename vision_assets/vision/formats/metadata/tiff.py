"""TIFF and BigTIFF directories (TIFF 6.0), cleaned in place so that no offset moves."""

import struct
from dataclasses import dataclass

from vision_assets.vision.formats.metadata.damage import damaged

_KEPT_TAGS = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 280, 281, 282, 283, 284}
    | {290, 291, 292, 293, 296, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 332, 336, 338}
    | {339, 340, 341, 347, 512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 34675}
)
"""Tags that describe pixels, orientation (274) and colour profile (34675)."""

_DIRECTORY_TAGS = frozenset({330, 34665, 34853, 40965})
_TYPE_BYTES = {
    **{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8},
    **{13: 4, 16: 8, 17: 8, 18: 8},
}
_MAX_DIRECTORIES = 10_000


@dataclass(frozen=True)
class _Layout:
    """Byte order and sizes: of a directory's count, of an entry, and of an offset."""

    order: str
    count: str
    offset: str
    entry_bytes: int

    def read(self, data: bytearray, kind: str, at: int) -> int:
        return struct.unpack_from(self.order + kind, data, at)[0]

    @property
    def count_bytes(self) -> int:
        return struct.calcsize(self.count)

    @property
    def offset_bytes(self) -> int:
        return struct.calcsize(self.offset)


def strip_tiff(data: bytes) -> bytes:
    """Drop tags that no decoder needs, and blank what they pointed at.

    Raises:
        ImageRefused: a directory goes beyond the end of the file.
    """
    cleaned = bytearray(data)
    try:
        layout, first = _layout(cleaned)
        _clean_chain(cleaned, layout, first)
    except (struct.error, IndexError) as error:
        raise damaged("TIFF", str(error)) from error
    return bytes(cleaned)


def _layout(data: bytearray) -> tuple[_Layout, int]:
    order = "<" if data[:2] == b"II" else ">"
    if struct.unpack_from(order + "H", data, 2)[0] == 43:
        layout = _Layout(order, "Q", "Q", 20)
        return layout, layout.read(data, "Q", 8)
    layout = _Layout(order, "H", "I", 12)
    return layout, layout.read(data, "I", 4)


def _clean_chain(data: bytearray, layout: _Layout, directory: int) -> None:
    """Clean one directory after the other; a loop ends where it closes."""
    seen: set[int] = set()
    while directory and directory not in seen and len(seen) < _MAX_DIRECTORIES:
        seen.add(directory)
        directory = _clean_directory(data, layout, directory, seen)


def _clean_directory(data: bytearray, layout: _Layout, at: int, seen: set[int]) -> int:
    """Clean a directory and give the offset of the next one."""
    entries, start = _entries(data, layout, at)
    end = start + len(entries) * layout.entry_bytes
    following = data[end : end + layout.offset_bytes]
    kept = [entry for entry in entries if _tag(layout, entry) in _KEPT_TAGS]
    for entry in entries:
        if _tag(layout, entry) not in _KEPT_TAGS:
            _blank_value(data, layout, entry, seen)
    packed = b"".join(kept) + following
    struct.pack_into(layout.order + layout.count, data, at, len(kept))
    data[start : end + layout.offset_bytes] = packed.ljust(end + layout.offset_bytes - start, b"\0")
    return struct.unpack(layout.order + layout.offset, following)[0]


def _entries(data: bytearray, layout: _Layout, at: int) -> tuple[list[bytes], int]:
    count = layout.read(data, layout.count, at)
    start = at + layout.count_bytes
    end = start + count * layout.entry_bytes
    if end + layout.offset_bytes > len(data):
        raise damaged("TIFF", f"a directory at byte {at} ends beyond byte {len(data)}")
    size = layout.entry_bytes
    return [bytes(data[i : i + size]) for i in range(start, end, size)], start


def _tag(layout: _Layout, entry: bytes) -> int:
    return struct.unpack_from(layout.order + "H", entry)[0]


def _blank_value(data: bytearray, layout: _Layout, entry: bytes, seen: set[int]) -> None:
    """Overwrite what a dropped entry points at; a value that fits the entry goes with it."""
    tag, kind = struct.unpack_from(layout.order + "HH", entry)
    count = struct.unpack_from(layout.order + layout.offset, entry, 4)[0]
    value_at = 4 + layout.offset_bytes
    offset = struct.unpack_from(layout.order + layout.offset, entry, value_at)[0]
    if tag in _DIRECTORY_TAGS and count == 1:
        _blank_directory(data, layout, offset, seen)
    length = count * _TYPE_BYTES.get(kind, 1)
    if length > layout.offset_bytes:
        _blank(data, offset, length)


def _blank_directory(data: bytearray, layout: _Layout, at: int, seen: set[int]) -> None:
    if at in seen or at + layout.count_bytes > len(data):
        return
    seen.add(at)
    entries, start = _entries(data, layout, at)
    for entry in entries:
        _blank_value(data, layout, entry, seen)
    _blank(data, at, start - at + len(entries) * layout.entry_bytes)


def _blank(data: bytearray, start: int, length: int) -> None:
    stop = min(start + length, len(data))
    if start < stop:
        data[start:stop] = bytes(stop - start)
