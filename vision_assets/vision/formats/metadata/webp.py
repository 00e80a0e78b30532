"""WebP chunks in their RIFF container (RFC 9649)."""

import struct
from collections.abc import Iterator

from vision_assets.vision.formats.metadata.damage import damaged
from vision_assets.vision.formats.metadata.exif import orientation_exif

_HEADER_LENGTH = 12
_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04


def strip_webp(data: bytes, orientation: int) -> bytes:
    """Keep picture, animation and colour profile.

    Raises:
        ImageRefused: a chunk goes beyond the end of the file.
    """
    chunks = [(kind, content) for kind, content in _chunks(data) if kind in _KEPT]
    turned = orientation != 1
    chunks = [
        (kind, _with_flags(content, turned) if kind == b"VP8X" else content)
        for kind, content in chunks
    ]
    if turned:
        chunks.append((b"EXIF", orientation_exif(orientation)))
    body = b"".join(_packed(kind, content) for kind, content in chunks)
    return struct.pack("<4sI4s", b"RIFF", len(body) + 4, b"WEBP") + body


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(data) < _HEADER_LENGTH:
        raise damaged("WebP", "the header is not complete")
    limit = min(len(data), struct.unpack_from("<I", data, 4)[0] + 8)
    position = _HEADER_LENGTH
    while position + 8 <= limit:
        kind, length = struct.unpack_from("<4sI", data, position)
        end = position + 8 + length
        if end > limit:
            raise damaged("WebP", f"the chunk at byte {position} of {limit} is not complete")
        yield kind, data[position + 8 : end]
        position = end + length % 2


def _with_flags(content: bytes, turned: bool) -> bytes:
    """The extended header says which metadata chunks follow."""
    if not content:
        raise damaged("WebP", "the extended header is empty")
    flags = content[0] & ~(_EXIF_FLAG | _XMP_FLAG)
    return bytes([flags | (_EXIF_FLAG if turned else 0)]) + content[1:]


def _packed(kind: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", kind, len(content)) + content + b"\x00" * (len(content) % 2)
