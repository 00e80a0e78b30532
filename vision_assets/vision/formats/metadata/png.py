"""PNG chunks (W3C PNG, third edition)."""

import struct
import zlib
from collections.abc import Iterator

from vision_assets.vision.formats.metadata.damage import damaged
from vision_assets.vision.formats.metadata.exif import orientation_exif

_SIGNATURE_LENGTH = 8
_OVERHEAD = 12
_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI sBIT bKGD pHYs "
    b"acTL fcTL fdAT".split()
)


def strip_png(data: bytes, orientation: int) -> bytes:
    """Keep the chunks that make the picture; cut what follows its end.

    Raises:
        ImageRefused: the chunks do not reach the end of the picture.
    """
    kept = [data[:_SIGNATURE_LENGTH]]
    for kind, chunk in _chunks(data):
        if kind in _KEPT:
            kept.append(chunk)
        if kind == b"IHDR" and orientation != 1:
            kept.append(_chunk(b"eXIf", orientation_exif(orientation)))
    return b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = _SIGNATURE_LENGTH
    while position + _OVERHEAD <= len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + length + _OVERHEAD
        if end > len(data):
            break
        yield kind, data[position:end]
        if kind == b"IEND":
            return
        position = end
    raise damaged("PNG", f"the chunk at byte {position} of {len(data)} is not complete")


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
