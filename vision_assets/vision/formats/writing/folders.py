"""Class folders: `<split>/<class>/<name>`, as tools for classification read them."""

import re
from collections.abc import Iterable, Iterator

from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations

_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*%]|^\.|[. ]$')


def picture_file(image: AnnotatedImage) -> str:
    folders = filter(None, (image.split, _folder(image.label or "unlabelled")))
    return "/".join([*folders, image.name])


def annotation_files(said: Annotations) -> Iterator[tuple[str, Iterable[str]]]:
    yield from ()


def losses(said: Annotations) -> list[str]:
    n = said.contents.objects
    return [f"{n} objects: class folders have one class for each image"] if n else []


def _folder(label: str) -> str:
    """A class name as a folder name: what file systems refuse is written as %XX."""
    return _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", label)
