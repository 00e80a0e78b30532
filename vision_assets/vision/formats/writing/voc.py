"""Pascal VOC: an XML file of boxes for each picture.

    JPEGImages/<name>.jpg
    Annotations/<name>.xml           size, and name and box of every object
    ImageSets/Main/<split>.txt       names of the pictures, without extension
    labelmap.txt                     names of the classes in their order, as CVAT writes it

The numbers of a box are its edges, as most tools of today take them; the whole picture is 0, 0,
w, h. VOC's own development kit counted pixels from 1 (`source.first_pixel` reads those).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from xml.sax.saxutils import escape

from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.objects import AnnotatedObject

PICTURES = "JPEGImages"
BACKGROUND = "background"
"""What label maps call the pixels of no object."""

_EDGES = ("xmin", "ymin", "xmax", "ymax")
_NOT_XML = re.compile("[^\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""And line breaks, which separate the classes of the label map."""


def picture_file(image: AnnotatedImage) -> str:
    return f"{PICTURES}/{image.name}"


def annotation_files(said: Annotations) -> Iterator[tuple[str, Iterable[str]]]:
    names = {number: escape(name) for number, name in said.names.items()}
    yield "labelmap.txt", _label_map(said)
    for split in filter(None, said.splits):
        yield f"ImageSets/Main/{split}.txt", (f"{_stem(i)}\n" for i in said.of_split(split))
    for image in said.images:
        yield f"Annotations/{_stem(image)}.xml", (xml(image, names),)


def losses(said: Annotations) -> list[str]:
    found = said.contents
    lost = {
        "outlines and masks of {} objects: VOC has boxes alone": (
            found.masks + found.outlines - found.both
        ),
        "ids of {} classes: VOC has their order alone": said.n_renumbered,
    }
    return [text.format(n) for text, n in lost.items() if n]


def no_place(name: str) -> str | None:
    if _NOT_XML.search(name):
        return "XML has no control characters, and the label map a class a line"
    if name == BACKGROUND:
        return "the label map calls so what is no object"
    return "in the label map it would be a comment" if name.startswith("#") else None


def xml(image: AnnotatedImage, names: Mapping[int, str]) -> str:
    """The annotation of one picture; `names` are text that XML can hold."""
    return "\n".join(
        [
            "<annotation>",
            f"\t<folder>{PICTURES}</folder>",
            f"\t<filename>{escape(image.name)}</filename>",
            "\t<size>",
            f"\t\t<width>{image.width_px}</width>",
            f"\t\t<height>{image.height_px}</height>",
            f"\t\t<depth>{image.channels}</depth>",
            "\t</size>",
            "\t<segmented>0</segmented>",
            *(_object(each, names) for each in image.objects),
            "</annotation>\n",
        ]
    )


def _object(each: AnnotatedObject, names: Mapping[int, str]) -> str:
    edges = zip(_EDGES, each.box, strict=True)
    box = "".join(f"<{edge}>{_number(value)}</{edge}>" for edge, value in edges)
    return (
        f"\t<object><name>{names[each.class_id]}</name><pose>Unspecified</pose>"
        f"<truncated>0</truncated><difficult>0</difficult><bndbox>{box}</bndbox></object>"
    )


def _label_map(said: Annotations) -> Iterator[str]:
    """Columns: name, colour, parts, actions; only the first one is known."""
    yield "# label:color_rgb:parts:actions\n"
    for entry in said.classes:
        yield f"{entry.name}:::\n"


def _stem(image: AnnotatedImage) -> str:
    return PurePosixPath(image.name).stem


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
