"""The last version of a Lance table, where a power cut has torn it.

Lance syncs nothing to disk (strace shows no fsync), so after a power cut its newest files may
be short, empty, or full of zeros. `Table` syncs each commit before the next one begins: what is
torn can only be the last version, which nobody was told of. Readers take the one before it; the
next writer removes it. Anything older that is damaged is for a person.
"""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from vision_assets.vision.errors import StoreError

if TYPE_CHECKING:
    import lance

_MAGIC = b"LANC"
_MANIFEST = re.compile(r"(\d+)\.manifest")
_NEWEST_FIRST_DIGITS = 20
"""Lance names manifests so that the newest comes first: 2^64 - 1 less the version."""


def manifests(folder: Path) -> list[tuple[int, Path]]:
    """Versions of a table and their manifests, the newest first."""
    paths = (folder / "_versions").glob("*.manifest")
    found = [(_version_of(match[1]), path) for path in paths if (match := _named(path))]
    return sorted(found, reverse=True)


def is_cut_off(path: Path, size_bytes: int | None = None) -> bool:
    """Whether a file of Lance is not whole: too short, or without the mark at its end."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            if end < len(_MAGIC) or (size_bytes is not None and end != size_bytes):
                return True
            file.seek(-len(_MAGIC), os.SEEK_END)
            return file.read() != _MAGIC
    except FileNotFoundError:
        return True


def is_whole(dataset: "lance.LanceDataset", folder: Path) -> bool:
    """Whether all data files of a version are there in their full length."""
    return not any(
        is_cut_off(folder / "data" / file.path, file.file_size_bytes)
        for fragment in dataset.get_fragments()
        for file in fragment.data_files()
    )


def damaged(folder: Path) -> StoreError:
    """What is told where the version before the last is damaged, too."""
    return StoreError(
        f"files of the table {folder} are damaged or gone, and more than a power cut can tear; "
        "nothing was changed: restore the use case's store from a backup"
    )


def _named(path: Path) -> re.Match[str] | None:
    return _MANIFEST.fullmatch(path.name)


def _version_of(digits: str) -> int:
    return 2**64 - 1 - int(digits) if len(digits) == _NEWEST_FIRST_DIGITS else int(digits)
