"""Pascal VOC: one XML per image, boxes.

Everingham et al., "The PASCAL Visual Object Classes Challenge", 2010. The numbers of a box are
taken as its edges, as most tools of today write them; with `first_pixel` 1 they count pixels from
1 and the last one is inside, as VOC's own development kit says.
"""

import unicodedata
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from vision_assets.vision.formats.annotations.file_text import Unusable, number
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject

MAX_OBJECTS = 100_000
_EDGES = ("xmin", "ymin", "xmax", "ymax")


def read_voc(data: bytes, file: str, first_pixel: int = 0) -> Said:
    """Read the XML of one image.

    Args:
        data: content of the file.
        file: its name, for messages.
        first_pixel: number of the first pixel: 0, numbers are edges; 1, they are pixels.

    Raises:
        Unusable: it is no VOC annotation.
    """
    root = _root(data)
    elements = root.findall("object")
    if len(elements) > MAX_OBJECTS:
        raise Unusable(Kind.TOO_LARGE, f"expected at most {MAX_OBJECTS} objects")
    objects: list[SaidObject] = []
    faults: list[Fault] = []
    for index, element in enumerate(elements, start=1):
        try:
            objects.append(_object(element, index, first_pixel))
        except ValueError as error:
            faults.append(Fault(Kind.BAD_OBJECT, file, str(error), index))
    return Said(file, tuple(objects), size=_size(root), faults=tuple(faults))


def _root(data: bytes) -> Element:
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Unusable(Kind.DAMAGED, "expected XML without a DTD and entities") from error
    except (ParseError, ValueError, LookupError) as error:
        raise Unusable(Kind.DAMAGED, f"expected whole XML, got an error: {error}") from error
    if root.tag != "annotation":
        raise Unusable(Kind.DAMAGED, f"expected <annotation>, got <{root.tag[:50]}>")
    return root


def _object(element: Element, index: int, first_pixel: int) -> SaidObject:
    label = unicodedata.normalize("NFC", (element.findtext("name") or "").strip())
    if not label:
        raise ValueError("expected a class in <name>, got none")
    box = element.find("bndbox")
    if box is None:
        raise ValueError("expected a <bndbox>, got none")
    left, top, right, bottom = (number(box.findtext(edge), edge) for edge in _EDGES)
    difficult = (element.findtext("difficult") or "").strip() == "1"
    return SaidObject(
        label=label,
        box=(left - first_pixel, top - first_pixel, right, bottom),
        index=index,
        marks=(Kind.DIFFICULT,) if difficult else (),
    )


def _size(root: Element) -> tuple[int, int] | None:
    """Width and height; None where they are missing or not filled in."""
    try:
        sides = [number(root.findtext(f"size/{side}"), side) for side in ("width", "height")]
    except ValueError:
        return None
    width, height = map(int, sides)
    return (width, height) if width > 0 and height > 0 else None
