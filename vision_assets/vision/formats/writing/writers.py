"""The formats that can be written, by name."""

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.writing import coco, folders, voc, yolo
from vision_assets.vision.formats.writing.annotations import Writer

WRITERS: dict[str, Writer] = {"coco": coco, "voc": voc, "yolo": yolo, "folders": folders}


def writer(name: str) -> Writer:
    """The writer of a format.

    Raises:
        SpecError: there is none of that name.
    """
    if name not in WRITERS:
        raise SpecError(f"expected a format of {', '.join(WRITERS)}, got {name!r}")
    return WRITERS[name]
