"""Class folders: `<split>/<class>/<name>`, as tools for classification read them."""

from collections.abc import Iterable, Iterator

from vision_assets.vision.formats.folder_names import MAX_BYTES, to_folder
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations


def picture_file(image: AnnotatedImage) -> str:
    folder = None if image.label is None else to_folder(image.label)
    return "/".join([*filter(None, (image.split, folder)), image.name])


def annotation_files(said: Annotations) -> Iterator[tuple[str, Iterable[str]]]:
    yield from ()


def losses(said: Annotations) -> list[str]:
    n = said.contents.objects
    return [f"{n} objects: class folders have one class for each image"] if n else []


def no_place(name: str) -> str | None:
    if len(to_folder(name).encode()) > MAX_BYTES:
        return f"its folder would have a name of more than {MAX_BYTES} bytes"
    return None
