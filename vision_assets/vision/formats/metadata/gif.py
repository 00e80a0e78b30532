"""GIF blocks (GIF89a specification, CompuServe 1990)."""

from vision_assets.vision.formats.metadata.damage import damaged

_HEADER_LENGTH = 13
_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_GRAPHIC_CONTROL, _APPLICATION = 0xF9, 0xFF
_KEPT_APPLICATIONS = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def strip_gif(data: bytes) -> bytes:
    """Keep pictures, their timing, looping and colour profile.

    Raises:
        ImageRefused: the blocks do not reach the end of the picture.
    """
    try:
        return _strip(data)
    except IndexError:
        raise damaged("GIF", f"a block goes beyond byte {len(data)}") from None


def _strip(data: bytes) -> bytes:
    position = _HEADER_LENGTH + _table_length(data[10])
    kept = [data[:position]]
    while data[position] != _TRAILER:
        start = position
        if data[start] == _IMAGE:
            position = _sub_blocks_end(data, start + 11 + _table_length(data[start + 9]))
            kept.append(data[start:position])
        elif data[start] == _EXTENSION:
            position = _sub_blocks_end(data, start + 2)
            if _is_kept(data, start):
                kept.append(data[start:position])
        else:
            raise damaged("GIF", f"expected a block at byte {start}, got {data[start]:#x}")
    return b"".join([*kept, bytes([_TRAILER])])


def _is_kept(data: bytes, start: int) -> bool:
    kind = data[start + 1]
    if kind == _APPLICATION:
        return data[start + 3 : start + 14] in _KEPT_APPLICATIONS
    return kind == _GRAPHIC_CONTROL


def _table_length(flags: int) -> int:
    """Bytes of the colour table that the flags announce."""
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks_end(data: bytes, position: int) -> int:
    while data[position]:
        position += data[position] + 1
    return position + 1
