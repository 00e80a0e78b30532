"""YOLO, as Ultralytics reads it: a text file for each picture, a line for each object.

    images/<split>/<name>
    labels/<split>/<name>.txt     class, then numbers that are shares of width and height
    data.yaml                     folders of the splits, names of the classes in their order

The class is the position in the list of names. The numbers are the centre and size of a box; where
every object of the data set has an outline of one piece, they are its points, and a box is what is
around them: a data set is of the one kind or of the other.
(https://docs.ultralytics.com/datasets/detect, /datasets/segment)
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

import yaml

from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.objects import AnnotatedObject

_DIGITS = 12
"""Behind the point: a box comes back to a millionth of a pixel, whatever the size."""


def picture_file(image: AnnotatedImage) -> str:
    return f"{_folder('images', image.split)}/{image.name}"


def annotation_files(said: Annotations) -> Iterator[tuple[str, Iterable[str]]]:
    places = {entry.id: place for place, entry in enumerate(said.classes)}
    outlined = are_outlines(said)
    yield "data.yaml", (_data_yaml(said),)
    for image in said.images:
        file = PurePosixPath(image.name).with_suffix(".txt")
        yield f"{_folder('labels', image.split)}/{file}", lines(image, places, outlined)


def losses(said: Annotations) -> list[str]:
    found, outlined = said.contents, are_outlines(said)
    lost = {
        "masks of {} objects: YOLO has none": found.masks,
        "outlines of {} objects: YOLO has either boxes or outlines of one piece, and not every "
        "object has one": 0 if outlined else found.outlines,
        "boxes of {} objects: they become those around their outlines": (
            found.loose if outlined else 0
        ),
        "ids of {} classes: YOLO counts them from 0": said.n_renumbered,
    }
    return [text.format(n) for text, n in lost.items() if n]


def no_place(name: str) -> str | None:
    return None


def are_outlines(said: Annotations) -> bool:
    """Whether lines hold the points of outlines, not boxes."""
    return 0 < said.contents.objects == said.contents.one_piece


def lines(
    image: AnnotatedImage, places: Mapping[int, int], outlined: bool = False
) -> Iterator[str]:
    """One line per object; none for an empty picture."""
    for each in image.objects:
        numbers = _outline(each, image) if outlined else _box(each, image)
        yield " ".join([str(places[each.class_id]), *map(_text, numbers)]) + "\n"


def _box(each: AnnotatedObject, image: AnnotatedImage) -> tuple[float, ...]:
    left, top, right, bottom = each.box
    return (
        (left + right) / 2 / image.width_px,
        (top + bottom) / 2 / image.height_px,
        (right - left) / image.width_px,
        (bottom - top) / image.height_px,
    )


def _outline(each: AnnotatedObject, image: AnnotatedImage) -> Iterator[float]:
    sides = (image.width_px, image.height_px)
    return (value / sides[index % 2] for index, value in enumerate(each.polygons[0]))


def _data_yaml(said: Annotations) -> str:
    folders = {split: _folder("images", split) for split in said.splits if split is not None}
    names = {place: entry.name for place, entry in enumerate(said.classes)}
    return yaml.safe_dump(folders | {"names": names}, sort_keys=False, allow_unicode=True)


def _folder(kind: str, split: str | None) -> str:
    return kind if split is None else f"{kind}/{split}"


def _text(value: float) -> str:
    return f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")
