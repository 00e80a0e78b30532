"""A landing folder of Pascal VOC: an XML per image, splits in `ImageSets/Main/<split>.txt`."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.annotations.file_text import Unusable, is_there, read_bytes
from vision_assets.vision.formats.annotations.places import places, unclaimed
from vision_assets.vision.formats.annotations.said import Fault, Said
from vision_assets.vision.formats.annotations.voc import read_voc

_TWINS = ("Annotations", "annotations", "xmls")
_LISTS = {"trainval": "train", "train": "train", "val": "val", "test": "test"}
"""Later ones win: `trainval` says train of what neither `train` nor `val` names."""

_FLAG = re.compile(r"\s+-?[01]$")
"""What lists of one class say behind each name: whether the image shows it."""


class VocFolder:
    """Reads XML files.

    Args:
        landing: folder that all paths are below.
        folder: of the XML files; None: beside the images, or in `Annotations` beside `JPEGImages`.
        first_pixel: number of the first pixel in the files.
    """

    def __init__(self, landing: Path, folder: str | None, first_pixel: int) -> None:
        self._landing, self._folder, self._first_pixel = landing, folder, first_pixel
        self._splits = cache(self._read_splits)

    def files_of(self, path: str) -> tuple[str, ...]:
        """The XML of the image's name."""
        name = PurePosixPath(path).stem + ".xml"
        return places(path, name=name, folder=self._folder, twins=_TWINS)

    def read(self, path: str) -> Said | None:
        """The first XML that is there."""
        for file in self.files_of(path):
            if is_there(self._landing, file):
                try:
                    return read_voc(read_bytes(self._landing, file), file, self._first_pixel)
                except Unusable as error:
                    return error.said(file)
        return None

    def missing(self, files: Collection[str], images: Iterable[str]) -> Iterator[Fault]:
        """XML files whose image is not there."""
        return unclaimed([file for file in files if _is_xml(file)], images, self.files_of)

    def split_of(self, path: str) -> str | None:
        """By the nearest `ImageSets/Main` in a folder above the image."""
        image = PurePosixPath(path)
        for parent in image.parents:
            splits = self._splits(str(parent))
            if image.stem in splits:
                return splits[image.stem]
        return None

    def _read_splits(self, parent: str) -> Mapping[str, str]:
        """Split by stem of an image."""
        folder = PurePosixPath(parent, "ImageSets", "Main")
        found: dict[str, str] = {}
        for name, split in _LISTS.items():
            path = str(folder / f"{name}.txt")
            if is_there(self._landing, path):
                found |= dict.fromkeys(_names(self._landing, path), split)
        return found


def _is_xml(file: str) -> bool:
    return PurePosixPath(file).suffix == ".xml"


def _names(landing: Path, path: str) -> list[str]:
    try:
        lines = read_bytes(landing, path).decode("utf-8-sig").splitlines()
    except (Unusable, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: expected names of images, one a line: {error}") from error
    named = [line.strip() for line in lines if line.strip()]
    return [*(_FLAG.sub("", name) for name in named), *named]  # a name may end so itself
