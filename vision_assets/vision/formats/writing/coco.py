"""COCO: one JSON file for each split, written while the images are gone over.

    <split>/<name>
    annotations/instances_<split>.json     images, categories, annotations
    images/<name>, annotations/instances.json    where there are no splits

Boxes are left, top, width, height, counted from 0. A segmentation is the mask as compressed run
lengths where pixels are known, else the polygons; without either it is left out. Category ids are
the ids of the classes. (https://cocodataset.org/#format-data)
"""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.objects import AnnotatedObject


def picture_file(image: AnnotatedImage) -> str:
    return f"{image.split or 'images'}/{image.name}"


def annotation_files(said: Annotations) -> Iterator[tuple[str, Iterable[str]]]:
    for split in said.splits:
        name = "instances" if split is None else f"instances_{split}"
        yield f"annotations/{name}.json", _document(said, split)


def losses(said: Annotations) -> list[str]:
    both = said.contents.both
    return [f"outlines of {both} objects: COCO takes their masks alone"] if both else []


def no_place(name: str) -> str | None:
    return None


def _document(said: Annotations, split: str | None) -> Iterator[str]:
    categories = [{"id": entry.id, "name": entry.name} for entry in said.classes]
    yield f'{{"categories": {json.dumps(categories)},\n"images": [\n'
    yield from _listed(_image(n, image) for n, image in enumerate(said.of_split(split), 1))
    yield '],\n"annotations": [\n'
    numbers = count(1)
    yield from _listed(
        {"id": next(numbers), "image_id": n, **_object(each)}
        for n, image in enumerate(said.of_split(split), 1)
        for each in image.objects
    )
    yield "]}\n"


def _image(n: int, image: AnnotatedImage) -> dict[str, Any]:
    return {
        "id": n,
        "file_name": image.name,
        "width": image.width_px,
        "height": image.height_px,
    }


def _object(each: AnnotatedObject) -> dict[str, Any]:
    left, top, right, bottom = each.box
    return {
        "category_id": each.class_id,
        "bbox": [left, top, right - left, bottom - top],
        **_segmentation(each),
        "area": each.covered_px,
        "iscrowd": 0,
    }


def _segmentation(each: AnnotatedObject) -> dict[str, Any]:
    if each.mask is not None:
        return {"segmentation": each.mask.to_json()}
    if each.polygons:
        return {"segmentation": [list(polygon) for polygon in each.polygons]}
    return {}


def _listed(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    """A line each, with a comma behind all but the last one."""
    separator = ""
    for entry in entries:
        yield separator + json.dumps(entry, separators=(",", ":"))
        separator = ",\n"
