"""`data.yaml` of YOLO: names of the classes, and where the images of each split lie."""

import posixpath
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.annotations.file_text import Unusable, read_bytes

MAX_BYTES = 4 * 1024 * 1024
MAX_CLASSES = 10_000
_SPLITS = {"train": "train", "val": "val", "valid": "val", "test": "test"}


@dataclass(frozen=True)
class YoloData:
    """What is said of a whole data set.

    Attributes:
        names: of the classes, by number.
        folders: split by folder of images, below the landing folder.
        images: split by image, or the end of its path, where a text lists them.
    """

    names: tuple[str, ...]
    folders: dict[str, str] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)

    def split_of(self, path: str) -> str | None:
        """The split of an image."""
        image = PurePosixPath(path)
        if path in self.images:
            return self.images[path]
        return next((self.folders[str(p)] for p in image.parents if str(p) in self.folders), None)


def read_yolo_data(landing: Path, file: str) -> YoloData:
    """Read a `data.yaml`, or a text with the name of a class per line.

    Args:
        landing: folder that all paths are below.
        file: the file.

    Raises:
        SpecError: it names no classes.
    """
    try:
        text = read_bytes(landing, file, MAX_BYTES).decode("utf-8-sig")
        if file.endswith(".txt"):
            return YoloData(tuple(_name(line) for line in text.splitlines() if line.strip()))
        said = yaml.safe_load(text)
        if not isinstance(said, dict):
            raise ValueError("expected a mapping with `names`")
        return _data(said, landing, file)
    except (Unusable, ValueError, yaml.YAMLError, RecursionError, AttributeError) as error:
        raise SpecError(f"{file}: not a data set of YOLO: {error}") from error


def _data(said: dict[Any, Any], landing: Path, file: str) -> YoloData:
    data = YoloData(_names(said.get("names")))
    root = posixpath.join(posixpath.dirname(file), _text(said.get("path"), ""))
    for key, split in _SPLITS.items():
        for entry in _entries(said.get(key)):
            place = _below(posixpath.join(root, entry))
            if place.endswith(".txt"):
                data.images.update(dict.fromkeys(_listed(landing, place), split))
            else:
                data.folders[place] = split
    return data


def _names(said: Any) -> tuple[str, ...]:
    """A list, or a mapping from 0, 1, 2, ... on."""
    if isinstance(said, dict):
        if sorted(said, key=str) != sorted(range(len(said)), key=str):
            raise ValueError("expected `names` by the numbers 0, 1, 2, ...")
        said = [said[number] for number in range(len(said))]
    if not isinstance(said, list) or not 0 < len(said) <= MAX_CLASSES:
        raise ValueError(f"expected `names`, a list of 1 to {MAX_CLASSES} classes")
    names = tuple(map(_name, said))
    if len(set(names)) != len(names):
        raise ValueError("expected `names` that are all different")
    return names


def _name(said: Any) -> str:
    if not isinstance(said, str | int | float) or not str(said).strip():
        raise ValueError(f"expected the name of a class, got {str(said)[:50]!r}")
    return unicodedata.normalize("NFC", str(said).strip())


def _entries(said: Any) -> Iterator[str]:
    for entry in said if isinstance(said, list) else [said]:
        if isinstance(entry, str) and entry:
            yield entry


def _text(said: Any, otherwise: str) -> str:
    """Roots that are absolute are of the machine that wrote the file."""
    return said if isinstance(said, str) and not posixpath.isabs(said) else otherwise


def _below(place: str) -> str:
    """A path below the landing folder; some tools write one `..` too many."""
    parts = posixpath.normpath(place).split("/")
    return "/".join(part for part in parts if part not in ("..", "")) or "."


def _listed(landing: Path, place: str) -> Iterator[str]:
    """Images that a text names, a line each."""
    text = read_bytes(landing, place).decode("utf-8-sig")
    for line in text.splitlines():
        if line.strip():
            yield _below(posixpath.join(posixpath.dirname(place), line.strip()))
