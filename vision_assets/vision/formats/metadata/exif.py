"""The smallest EXIF block: the orientation alone, as every format embeds it."""

import struct

_ORIENTATION_TAG = 0x0112
_SHORT = 3


def orientation_exif(orientation: int) -> bytes:
    """A little-endian TIFF structure with one entry (TIFF 6.0, section 2)."""
    header = struct.pack("<2sHI", b"II", 42, 8)
    entry = struct.pack("<HHIHH", _ORIENTATION_TAG, _SHORT, 1, orientation, 0)
    return header + struct.pack("<H", 1) + entry + struct.pack("<I", 0)
