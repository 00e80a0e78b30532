"""Objects drawn onto pictures for people: pixels and outlines tinted, boxes framed.

Every class has a colour by its id. The first eight can be told apart by people who do not see red
and green alike (Okabe, Ito, "Color Universal Design", 2008).
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import numpy as np
from PIL import Image, ImageDraw

from vision_assets.vision.inference.geometry.rle import decode
from vision_assets.vision.objects import AnnotatedObject

Colour = tuple[int, int, int]

COLOURS: tuple[Colour, ...] = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (204, 121, 167),
    (213, 94, 0),
    (0, 114, 178),
    (240, 228, 66),
    (150, 75, 0),
    (140, 220, 80),
    (170, 110, 255),
    (255, 110, 110),
    (0, 190, 190),
)
MOST_DRAWN = 300
"""Objects of one picture."""

_TINT = 0.45
_LEGEND_PX = 16
_SWATCH_PX = 10
_INK = (40, 44, 52)
_GROUND = (246, 247, 249)


def colour_of(class_id: int) -> Colour:
    """The colour of a class."""
    return COLOURS[class_id % len(COLOURS)]


def css_colour(class_id: int) -> str:
    """The colour of a class, such as `#e69f00`."""
    return "#" + "".join(f"{level:02x}" for level in colour_of(class_id))


def draw_objects(
    image: Image.Image, objects: Iterable[AnnotatedObject], width_px: int
) -> Image.Image:
    """A copy of a picture with its objects on it.

    Args:
        image: RGB, the picture in any scale.
        objects: in pixels of the picture at its full size; the first MOST_DRAWN are drawn.
        width_px: of the picture at its full size.
    """
    scale = image.width / width_px
    drawn = list(islice(objects, MOST_DRAWN))
    for each in drawn:
        cover = _cover(each, image.size, scale)
        if cover is not None:
            tint = Image.new("RGB", image.size, colour_of(each.class_id))
            image = Image.composite(tint, image, cover)
    image = image.copy()
    pen = ImageDraw.Draw(image)
    for each in drawn:
        _frame(pen, each, scale, image.size)
    return image


def legend(names: Mapping[int, str], width_px: int) -> Image.Image:
    """What the colours mean, in lines of at most `width_px`."""
    pen = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    places: list[tuple[int, int, int]] = []
    x = y = 0
    for class_id, name in names.items():
        needed = round(_SWATCH_PX + 6 + pen.textlength(name) + 12)
        if x and x + needed > width_px:
            x, y = 0, y + _LEGEND_PX
        places.append((class_id, x, y))
        x += needed
    strip = Image.new("RGB", (width_px, y + _LEGEND_PX if names else 0), _GROUND)
    pen = ImageDraw.Draw(strip)
    for class_id, x, y in places:
        swatch = (x, y + 3, x + _SWATCH_PX, y + 3 + _SWATCH_PX)
        pen.rectangle(swatch, fill=colour_of(class_id))
        pen.text((x + _SWATCH_PX + 6, y + 2), names[class_id], fill=_INK)
    return strip


def shown_names(
    objects: Iterable[Sequence[AnnotatedObject]], names: Mapping[int, str]
) -> dict[int, str]:
    """Names of the classes that are there, in the order of `names`, unknown ones by their id."""
    there = {each.class_id for listed in objects for each in listed}
    known = {number: name for number, name in names.items() if number in there}
    return known | {number: f"class {number}" for number in sorted(there - known.keys())}


def _cover(each: AnnotatedObject, size: tuple[int, int], scale: float) -> Image.Image | None:
    """How much of the class's colour each pixel takes; None where only the box is known."""
    if each.mask is not None:
        full = Image.fromarray(decode(each.mask).astype(np.uint8) * 255)
        shares = np.asarray(full.resize(size, Image.Resampling.BOX), np.float32) / 255
        # Twice the share: a line thinner than a pixel of the copy stays visible.
        return Image.fromarray((255 * _TINT * np.minimum(1, 2 * shares)).astype(np.uint8))
    if not each.polygons:
        return None
    cover = Image.new("L", size)
    pen = ImageDraw.Draw(cover)
    for polygon in each.polygons:
        pen.polygon([value * scale for value in polygon], fill=round(255 * _TINT))
    return cover


def _frame(
    pen: ImageDraw.ImageDraw, each: AnnotatedObject, scale: float, size: tuple[int, int]
) -> None:
    """The box, its far edges on the last pixels inside; at least one pixel large."""
    left, top, right, bottom = (value * scale for value in each.box)
    left, top = min(left, size[0] - 1), min(top, size[1] - 1)
    right, bottom = max(left, min(right, size[0]) - 1), max(top, min(bottom, size[1]) - 1)
    pen.rectangle((left, top, right, bottom), outline=colour_of(each.class_id))
