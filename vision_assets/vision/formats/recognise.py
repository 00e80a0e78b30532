"""Which format the annotations of a folder have, by looking: at names first, then into few files.

Looked for in this order, as one may contain another: MVTec's layout, COCO, Pascal VOC, YOLO, masks.
"""

import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from glob import escape
from itertools import takewhile
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.formats.annotations.coco_folder import json_files
from vision_assets.vision.formats.annotations.file_text import read_head
from vision_assets.vision.formats.annotations.mask import MAX_PIXELS
from vision_assets.vision.formats.annotations.mask_folder import MaskFolder
from vision_assets.vision.formats.annotations.voc_folder import VocFolder
from vision_assets.vision.formats.layout import Layout
from vision_assets.vision.formats.listing import Listing
from vision_assets.vision.image_file import read_image_file
from vision_assets.vision.inference.decode import DEFAULT_LIMITS, PILLOW_ERRORS
from vision_assets.vision.spec import SourceSpec

_HEAD_BYTES = 64 * 1024
_LOOKED_INTO = 20
_MOST_INDICES = 64
_MASK_SUFFIXES = ("", "_mask", "_seg", "_label", "_gt", "-mask", "_segmentation")
_COCO_KEYS = re.compile(rb'"(?:images|annotations|categories)"\s*:\s*\[')
_COCO_FIELDS = re.compile(rb'"(?:file_name|bbox|category_id|supercategory|segmentation)"\s*:')
_YOLO_LINE = re.compile(rb"\s*\d+(?:\s+-?[\d.eE+-]+){4,}\s*")
_YOLO_DATA = frozenset({"data.yaml", "data.yml", "dataset.yaml", "classes.txt"})


def recognise(folder: Path, listing: Listing) -> Layout | None:
    """The layout of annotation files; None where there are none of a known format.

    Args:
        folder: what was listed.
        listing: its files.
    """
    ways: tuple[Callable[[Path, Listing], Layout | None], ...]
    ways = (_mvtec, _coco, _voc, _yolo, _masks)
    return next((found for way in ways if (found := way(folder, listing)) is not None), None)


def _mvtec(folder: Path, listing: Listing) -> Layout | None:
    del folder
    inner = {PurePosixPath(path).parts[-3:-1] for path in listing.images}
    defects = sorted(parts[-1] for parts in inner if len(parts) == 2 and parts[0] == "test")
    if ("train", "good") not in inner or not defects:
        return None
    truth = sum("ground_truth" in PurePosixPath(path).parts for path in listing.masks)
    because = f"`train/good`, `test/` with {', '.join(defects)}, {truth} masks in `ground_truth`"
    return Layout("mvtec", f"MVTec AD's layout: {because}") if truth else None


def _coco(folder: Path, listing: Listing) -> Layout | None:
    files = _of_suffix(listing, ".json")
    found = [file for file in files if _is_coco(folder, file)]
    if not found:
        return None
    because = f"COCO: {_some(found)} with images, categories and annotations"
    if len(found) == len(files):
        return Layout("coco", because)
    others = set(files) - set(found)
    ways = [escape(found[0])] if len(found) == 1 else _globs(found)
    told = {way: set(json_files(folder, way)) for way in ways}
    exact = (way for way in ways if told[way] >= set(found) and told[way].isdisjoint(others))
    return Layout("coco", because, annotations=next(exact, None))


def _globs(files: Sequence[str]) -> list[str]:
    """What may be said of several files: their folder, their name, or how names begin or end."""
    folders = {str(PurePosixPath(file).parent) for file in files}
    names = [PurePosixPath(file).name for file in files]
    begin, end = _start(names), _start([name[::-1] for name in names])[::-1]
    if len(set(names)) == 1:
        return [f"**/{escape(names[0])}"]
    below = [f"{escape(folder)}/" for folder in folders] if len(folders) == 1 else ["**/"]
    return [f"{below[0]}{name}" for name in ("*.json", f"{escape(begin)}*.json", f"*{escape(end)}")]


def _start(names: Sequence[str]) -> str:
    """What all names begin with."""
    alike = takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    return "".join(letters[0] for letters in alike)


def _is_coco(folder: Path, file: str) -> bool:
    head = read_head(folder, file, _HEAD_BYTES)
    return bool(_COCO_KEYS.search(head) and _COCO_FIELDS.search(head))


def _voc(folder: Path, listing: Listing) -> Layout | None:
    files = _of_suffix(listing, ".xml")
    looked = _spread(files)
    n_voc = sum(b"<annotation" in read_head(folder, file, _HEAD_BYTES) for file in looked)
    if not looked or n_voc <= len(looked) / 2:
        return None
    because = f"Pascal VOC: {len(files)} XML files, {files[0]} among them"
    there = set(files)
    around = VocFolder(folder, None, 0)
    for annotations in (None, str(PurePosixPath(files[0]).parent)):
        reader = around if annotations is None else VocFolder(folder, annotations, 0)
        if _share(listing.images, reader.files_of, there) > 0.5:
            return Layout("voc", because, annotations=annotations)
    return Layout("voc", f"{because}; few have the name of an image")


def _yolo(folder: Path, listing: Listing) -> Layout | None:
    images = {PurePosixPath(path).stem for path in listing.images}
    texts = [f for f in _of_suffix(listing, ".txt") if PurePosixPath(f).stem in images]
    data = [f for f in listing.rest if PurePosixPath(f).name in _YOLO_DATA]
    looked = _spread(texts)
    n_yolo = sum(_is_yolo(folder, file) for file in looked)
    if not data or n_yolo <= len(looked) / 2:
        return None
    because = f"YOLO: {len(texts)} texts of numbers with names of images, classes in {data[0]}"
    return Layout("yolo", because)


def _is_yolo(folder: Path, file: str) -> bool:
    """An empty file is one as well: nothing is on its image."""
    lines = read_head(folder, file, _HEAD_BYTES).splitlines()[:_LOOKED_INTO]
    return all(_YOLO_LINE.fullmatch(line) for line in lines if line.strip())


def _masks(folder: Path, listing: Listing) -> Layout | None:
    if not listing.masks:
        return None
    extension = Counter(PurePosixPath(path).suffix for path in listing.masks).most_common(1)[0][0]
    for suffix in _MASK_SUFFIXES:
        masks = {"suffix": suffix} if suffix else {}
        if extension not in {PurePosixPath(path).suffix for path in listing.images}:
            masks["extension"] = extension
        said = {"landing": str(folder), "label": "masks", "masks": masks}
        reader = MaskFolder(folder, SourceSpec.model_validate(said), lambda path: None)
        share = _share(listing.images, reader.files_of, set(listing.masks))
        if share > 0.5:
            values, what = _mask_values(folder, listing.masks)
            because = f"masks of {100 * share:.0f} % of the images, such as {listing.masks[0]}"
            return Layout("masks", f"{because}; {what}", masks=masks | values)
    return None


def _mask_values(folder: Path, masks: Sequence[str]) -> tuple[dict[str, object], str]:
    """What the values of some masks mean, as `source.masks` says it, and in words."""
    levels, colours = set[int](), set[int]()
    for path in _spread(masks):
        grey, colour = _values_in(folder, path)
        levels |= grey
        colours |= colour
    if 0 < len(colours) <= _MOST_INDICES:
        classes = {f"#{c:06x}": f"class_{c:06x}" for c in sorted(colours - {0, 0xE0E0C0})}
        return {"kind": "colour", "classes": classes}, f"{len(classes)} colours: name them"
    indices = sorted(levels - {0, 255})
    if 0 < len(indices) <= _MOST_INDICES and indices[-1] <= _MOST_INDICES:
        classes = {str(value): f"class_{value}" for value in indices}
        return {"kind": "index", "classes": classes}, f"values {indices} are classes: name them"
    return {}, "light is the object"


def _values_in(folder: Path, path: str) -> tuple[set[int], set[int]]:
    """Levels of a mask with one channel, or its colours as 0xrrggbb; none of what is no mask."""
    try:
        data = read_image_file(folder, path, DEFAULT_LIMITS)
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > MAX_PIXELS:
                return set(), set()
            if image.mode not in ("RGB", "RGBA"):
                pixels = np.asarray(image if image.mode == "P" else image.convert("L"))
                return set(np.unique(pixels).tolist()), set()
            rgb = np.asarray(image.convert("RGB"), np.int64)
    except (ImageRefused, *PILLOW_ERRORS):
        return set(), set()
    if (rgb.max(axis=2) == rgb.min(axis=2)).all():
        return set(np.unique(rgb).tolist()), set()
    found = np.unique(rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2])
    return set(), set(found.tolist())


def _share(
    images: Sequence[str], files_of: Callable[[str], Sequence[str]], there: set[str]
) -> float:
    """How many of some images have a file that speaks of them."""
    looked = _spread(images, 200)
    found = sum(not there.isdisjoint(files_of(path)) for path in looked)
    return found / max(1, len(looked))


def _of_suffix(listing: Listing, suffix: str) -> list[str]:
    return [file for file in listing.rest if PurePosixPath(file).suffix.lower() == suffix]


def _spread(files: Sequence[str], n: int = _LOOKED_INTO) -> list[str]:
    """At most n, at even distances."""
    return list(files[:: max(1, len(files) // n)])[:n]


def _some(files: Sequence[str]) -> str:
    return files[0] if len(files) == 1 else f"{len(files)} files, {files[0]} among them,"
