"""Classes that a format lists by itself, with their numbers and in their order."""

import unicodedata
from pathlib import Path, PurePosixPath

import ijson

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.annotations.coco_folder import json_files
from vision_assets.vision.formats.annotations.yolo_data import read_yolo_data
from vision_assets.vision.formats.exported_table import class_ids
from vision_assets.vision.formats.layout import Layout
from vision_assets.vision.formats.listing import Listing
from vision_assets.vision.formats.writing.voc import BACKGROUND

_YOLO_DATA = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt")
_LABEL_MAP = "labelmap.txt"
_MAX_BYTES = 1024 * 1024


def declared_classes(folder: Path, layout: Layout, listing: Listing) -> dict[str, int]:
    """Number of each class by name; empty where the format lists none.

    YOLO: `data.yaml` or `classes.txt`. COCO: the first JSON with usable categories. VOC:
    `labelmap.txt`, as CVAT writes. A table: one that an export wrote.
    """
    ways = {"yolo": _yolo, "coco": _coco, "voc": _voc, "csv": _csv}
    return ways[layout.label](folder, layout, listing) if layout.label in ways else {}


def _yolo(folder: Path, layout: Layout, listing: Listing) -> dict[str, int]:
    del layout
    for name in _YOLO_DATA:
        for file in listing.rest:
            if PurePosixPath(file).name == name:
                return _numbered(read_yolo_data(folder, file).names)
    return {}


def _coco(folder: Path, layout: Layout, listing: Listing) -> dict[str, int]:
    del listing
    files = json_files(folder, layout.annotations)
    return next(filter(None, (_categories(folder / file) for file in files)), {})


def _categories(path: Path) -> dict[str, int]:
    """Of one JSON; empty where it has none that can be used."""
    try:
        with path.open("rb") as file:
            found = [
                (unicodedata.normalize("NFC", str(entry["name"]).strip()), int(entry["id"]))
                for entry in ijson.items(file, "categories.item")
            ]
    except (ijson.JSONError, KeyError, TypeError, ValueError):
        return {}  # what is wrong with the file is told where its objects are read
    numbers = {number for _, number in found}
    is_usable = len(dict(found)) == len(numbers) == len(found) and min(numbers, default=0) >= 0
    return dict(found) if is_usable else {}


def _voc(folder: Path, layout: Layout, listing: Listing) -> dict[str, int]:
    del layout
    file = next((f for f in listing.rest if PurePosixPath(f).name == _LABEL_MAP), None)
    if file is None:
        return {}
    with (folder / file).open("rb") as opened:
        data = opened.read(_MAX_BYTES)
    try:
        lines = data.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        raise SpecError(f"{folder / file}: expected UTF-8; save it as UTF-8") from error
    named = [line.rsplit(":", 3)[0] for line in lines if line.strip() and not line.startswith("#")]
    names = [unicodedata.normalize("NFC", name.strip()) for name in named]
    return _numbered([name for name in names if name != BACKGROUND])


def _csv(folder: Path, layout: Layout, listing: Listing) -> dict[str, int]:
    del listing
    return class_ids(folder / layout.csv) if layout.csv is not None else {}


def _numbered(names: "list[str] | tuple[str, ...]") -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}
