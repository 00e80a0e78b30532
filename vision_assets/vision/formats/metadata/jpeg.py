"""JPEG segments (ITU-T T.81, annex B)."""

import re
import struct

from vision_assets.vision.formats.metadata.damage import damaged
from vision_assets.vision.formats.metadata.exif import orientation_exif

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_APP0, _APP1, _APP2, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEE, 0xEF
_COMMENT = 0xFE
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_KEPT_APPLICATION = {_APP0: b"JFIF\x00", _APP2: b"ICC_PROFILE\x00", _APP14: b"Adobe"}
# In the coded data 0xFF is followed by a stuffed zero, or begins a restart marker.
_AFTER_CODED_DATA = re.compile(rb"\xff(?![\x00\xd0-\xd7])")


def strip_jpeg(data: bytes, orientation: int) -> bytes:
    """Keep JFIF, colour profile, Adobe's colour transform and all that codes the picture.

    Raises:
        ImageRefused: the segments do not reach the end of the picture.
    """
    kept = [data[:2]]
    if orientation != 1:
        kept.append(_exif_segment(orientation))
    position = 2
    while True:
        marker, start = _marker(data, position)
        if marker == _END:
            kept.append(b"\xff\xd9")
            return b"".join(_jfif_first(kept))
        end = start if marker in _WITHOUT_LENGTH else _segment_end(data, start)
        if _is_kept(marker, data[start + 2 : start + 16]):
            kept.append(b"\xff" + data[start - 1 : end])
        position = end
        if marker == _SCAN:
            position = _scan_end(data, end)
            kept.append(data[end:position])


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """The marker at a position, which fill bytes may precede, and where its content starts."""
    start = position
    while data[start : start + 1] == b"\xff":
        start += 1
    if start == position or start >= len(data):
        raise damaged("JPEG", f"expected a marker at byte {position} of {len(data)}")
    return data[start], start + 1


def _segment_end(data: bytes, start: int) -> int:
    if start + 2 > len(data):
        raise damaged("JPEG", f"a segment has no length at byte {start}")
    end = start + struct.unpack_from(">H", data, start)[0]
    if end < start + 2 or end > len(data):
        raise damaged("JPEG", f"a segment at byte {start} ends at {end} of {len(data)}")
    return end


def _scan_end(data: bytes, start: int) -> int:
    """Where the coded data ends: at a marker that is neither stuffing nor a restart."""
    found = _AFTER_CODED_DATA.search(data, start)
    if found is None:
        raise damaged("JPEG", "the end of the picture is missing")
    return found.start()


def _is_kept(marker: int, head: bytes) -> bool:
    if _APP0 <= marker <= _APP15:
        return marker in _KEPT_APPLICATION and head.startswith(_KEPT_APPLICATION[marker])
    return marker != _COMMENT


def _exif_segment(orientation: int) -> bytes:
    content = b"Exif\x00\x00" + orientation_exif(orientation)
    return struct.pack(">BBH", 0xFF, _APP1, len(content) + 2) + content


def _jfif_first(segments: list[bytes]) -> list[bytes]:
    """JFIF wants its segment directly after the start of the image."""
    return sorted(segments, key=lambda segment: _rank(segment[:2]))


def _rank(head: bytes) -> int:
    return {b"\xff\xd8": 0, b"\xff\xe0": 1}.get(head, 2)
