"""Thumbnails and contact sheets for people; never for training."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

from vision_assets.vision.errors import ImageRefused
from vision_assets.vision.inference.decode import Limits, decode
from vision_assets.vision.object_drawing import draw_objects, legend, shown_names
from vision_assets.vision.objects import AnnotatedObject

_CAPTION_PX = 14
_SHOWN = Limits(min_side_px=1)
"""What was refused is shown as well, but not what is too large to be decoded."""
_GAP_PX = 4
_INK = (40, 44, 52)
_GROUND = (246, 247, 249)
_REFUSED_GROUND = (214, 218, 224)


def thumbnail(
    data: bytes, side_px: int = 96, objects: Sequence[AnnotatedObject] = ()
) -> Image.Image:
    """The picture with its objects fitted into a square; crossed where it cannot be decoded."""
    square = Image.new("RGB", (side_px, side_px), _REFUSED_GROUND)
    try:
        image = Image.fromarray(decode(data, _SHOWN))
    except ImageRefused:
        pen = ImageDraw.Draw(square)
        pen.line([(0, 0), (side_px, side_px)], fill=_INK)
        pen.line([(0, side_px), (side_px, 0)], fill=_INK)
        return square
    width_px = image.width
    image.thumbnail((side_px, side_px), Image.Resampling.BILINEAR)
    if objects:
        image = draw_objects(image, objects, width_px)
    square.paste(image, ((side_px - image.width) // 2, (side_px - image.height) // 2))
    return square


def contact_sheet(
    items: Sequence[tuple[bytes, str]],
    columns: int = 6,
    side_px: int = 120,
    objects: Sequence[Sequence[AnnotatedObject]] = (),
    names: Mapping[int, str] | None = None,
) -> bytes:
    """Thumbnails with captions in a grid, and below it what the colours of objects mean.

    Args:
        items: encoded image and caption of each cell.
        columns: cells in a row.
        side_px: side of a thumbnail.
        objects: of each cell; empty: none are drawn.
        names: of the classes, by id.

    Returns:
        A JPEG of some 5 KB a thumbnail.
    """
    rows = -(-len(items) // columns)
    columns = min(columns, len(items))
    cell_w, cell_h = side_px + _GAP_PX, side_px + _CAPTION_PX + _GAP_PX
    width_px, height_px = columns * cell_w + _GAP_PX, rows * cell_h + _GAP_PX
    key = legend(shown_names(objects, names or {}), width_px - 2 * _GAP_PX)
    sheet = Image.new("RGB", (width_px, height_px + key.height), _GROUND)
    sheet.paste(key, (_GAP_PX, height_px))
    pen = ImageDraw.Draw(sheet)
    on_each = objects or [()] * len(items)
    for index, ((data, caption), shown) in enumerate(zip(items, on_each, strict=True)):
        left = _GAP_PX + index % columns * cell_w
        top = _GAP_PX + index // columns * cell_h
        sheet.paste(thumbnail(data, side_px, shown), (left, top))
        pen.text((left, top + side_px), _fitted(pen, caption, side_px), fill=_INK)
    return encode_jpeg(np.asarray(sheet))


def encode_jpeg(pixels: np.ndarray, quality: int = 80) -> bytes:
    """Encode (h, w, 3) uint8 RGB as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _fitted(pen: ImageDraw.ImageDraw, caption: str, width_px: int) -> str:
    """The caption's end where it is too long: names differ there."""
    if pen.textlength(caption) <= width_px:
        return caption
    while caption and pen.textlength("…" + caption) > width_px:
        caption = caption[1:]
    return "…" + caption
