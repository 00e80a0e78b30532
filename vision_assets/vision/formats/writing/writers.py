"""The formats that can be written, by name."""

import unicodedata
from collections.abc import Iterable

from vision_assets.vision.errors import DatasetError, SpecError
from vision_assets.vision.formats.writing import coco, folders, voc, yolo
from vision_assets.vision.formats.writing.annotations import Writer
from vision_assets.vision.spec import ClassSpec

WRITERS: dict[str, Writer] = {"coco": coco, "voc": voc, "yolo": yolo, "folders": folders}


def writer(name: str) -> Writer:
    """The writer of a format.

    Raises:
        SpecError: there is none of that name.
    """
    if name not in WRITERS:
        raise SpecError(f"expected a format of {', '.join(WRITERS)}, got {name!r}")
    return WRITERS[name]


def check_names(format: str, classes: Iterable[ClassSpec]) -> None:
    """See to it that the names of classes are read again as they are written.

    Raises:
        DatasetError: one would not be; the message says which formats have a place for it.
        SpecError: there is no such format.
    """
    for name in (entry.name for entry in classes):
        why = _no_place(name, format)
        if why is not None:
            able = [other for other in WRITERS if _no_place(name, other) is None]
            remedy = f"export {' or '.join(able)}" if able else "rename the class"
            raise DatasetError(
                f"expected a name of a class that {format} has a place for, got {name!r}: {why}; "
                f"{remedy}"
            )


def _no_place(name: str, format: str) -> str | None:
    if name != unicodedata.normalize("NFC", name.strip()):
        return "names are read without blanks around them, in Unicode's composed form (NFC)"
    return writer(format).no_place(name)
