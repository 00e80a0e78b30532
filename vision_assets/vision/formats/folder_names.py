"""Names of classes as names of folders, and back.

What file systems refuse, and what another part of a path would be taken for (`train`, `masks`), is
written as %XX.
"""

import re

from vision_assets.vision.formats.annotations.split_names import SPLIT_NAMES
from vision_assets.vision.formats.listing import MASK_FOLDERS

MAX_BYTES = 255
"""Of the name of a folder, on the file systems of today."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*%]|^\.|[. ]\Z')
_ESCAPED = re.compile("%([0-9A-F]{2})")
_TAKEN = SPLIT_NAMES.keys() | MASK_FOLDERS


def to_folder(label: str) -> str:
    """The folder of a class."""
    if label.lower() in _TAKEN:
        return _escaped(label[0]) + label[1:]
    return _UNSAFE.sub(lambda found: _escaped(found[0]), label)


def from_folder(folder: str) -> str:
    """The class of a folder; only what `to_folder` writes is undone, so `100%AB` stays."""
    label = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), folder)
    return label if to_folder(label) == folder else folder


def _escaped(character: str) -> str:
    return f"%{ord(character):02X}"
