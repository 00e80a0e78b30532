"""A landing folder of YOLO: texts beside the images, or in `labels` beside `images`."""

from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath

from vision_assets.vision.formats.annotations.file_text import Unusable, is_there, read_bytes
from vision_assets.vision.formats.annotations.places import places, unclaimed
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said
from vision_assets.vision.formats.annotations.yolo import read_yolo
from vision_assets.vision.formats.annotations.yolo_data import YoloData, read_yolo_data

_LABELS = "labels"
_DATA_SUFFIXES = (".yaml", ".yml", ".txt")
_DATA_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", f"{_LABELS}/classes.txt")


class YoloFolder:
    """Reads texts.

    Args:
        landing: folder that all paths are below.
        place: `data.yaml`, a text of classes, or a folder of texts; None: texts around each image,
            and the nearest `data.yaml` above it.
    """

    def __init__(self, landing: Path, place: str | None) -> None:
        self._landing = landing
        is_file = place is not None and PurePosixPath(place).suffix in _DATA_SUFFIXES
        self._data_file, self._folder = (place, None) if is_file else (None, place)
        self._data = cache(lambda file: read_yolo_data(landing, file))
        self._nearest = cache(self._find)

    def files_of(self, path: str) -> tuple[str, ...]:
        """The text of the image's name, and the file that names its classes."""
        data_file = self._data_file_of(path)
        return self._texts(path) + (() if data_file is None else (data_file,))

    def read(self, path: str) -> Said | None:
        """The first text that is there."""
        file = next((f for f in self._texts(path) if is_there(self._landing, f)), None)
        if file is None:
            return None
        data = self._data_of(path)
        try:
            if data is None:
                raise Unusable(Kind.DAMAGED, "expected data.yaml or classes.txt, got neither")
            return read_yolo(read_bytes(self._landing, file), file, data.names)
        except Unusable as error:
            return error.said(file)

    def missing(self, files: Collection[str], images: Iterable[str]) -> Iterator[Fault]:
        """Texts in folders of labels whose image is not there."""
        return unclaimed([file for file in files if _is_text(file)], images, self._texts)

    def split_of(self, path: str) -> str | None:
        """As `data.yaml` says."""
        data = self._data_of(path)
        return None if data is None else data.split_of(path)

    def _texts(self, path: str) -> tuple[str, ...]:
        name = PurePosixPath(path).stem + ".txt"
        return places(path, name=name, folder=self._folder, twins=(_LABELS,))

    def _data_file_of(self, path: str) -> str | None:
        above = PurePosixPath(path).parent if self._folder is None else PurePosixPath(self._folder)
        return self._data_file or self._nearest(above)

    def _data_of(self, path: str) -> YoloData | None:
        file = self._data_file_of(path)
        if file is None or not is_there(self._landing, file):
            return None
        return self._data(file)

    def _find(self, folder: PurePosixPath) -> str | None:
        for name in _DATA_FILES:
            if is_there(self._landing, str(folder / name)):
                return str(folder / name)
        return None if folder == folder.parent else self._nearest(folder.parent)


def _is_text(file: str) -> bool:
    path = PurePosixPath(file)
    named = path.suffix == ".txt" and path.name != "classes.txt"
    return named and _LABELS in path.parts[:-1]
