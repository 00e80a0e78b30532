"""What a detector saw, drawn over the picture."""

import numpy as np
from PIL import Image, ImageDraw

from vision_assets.vision.inference.answers import Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.geometry.windows import Picture
from vision_assets.vision.tasks.detection.answer.candidates import candidates, found_from

_HOT_RGB = np.array([255.0, 60.0, 20.0])
_STRONGEST_TINT = 0.55
_COLOURS = ("#ffd400", "#00e5ff", "#ff6ad5", "#7dff5a", "#ff9b3d", "#b7a6ff", "#ffffff", "#5aa2ff")
_TEXT_PX = 11


def draw(pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture) -> np.ndarray:
    """The picture, tinted where an object is likely, with the boxes of those that are told."""
    canvas = Image.fromarray(_tinted(pixels, outputs, picture))
    pen = ImageDraw.Draw(canvas)
    width = max(1, round(min(pixels.shape[:2]) / 160))
    found = candidates(outputs, card, picture)
    told = np.flatnonzero(found.scores >= found_from(card)[found.classes])
    for index in told[::-1]:
        class_index = int(found.classes[index])
        colour = _COLOURS[class_index % len(_COLOURS)]
        left, top, right, bottom = found.boxes[index].tolist()
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), None, colour, width)
        name, score = card.classes[class_index].name, found.scores[index]
        _write(pen, f"{name} {score:.2f}", (left, top), colour)
    return np.asarray(canvas)


def _tinted(pixels: np.ndarray, outputs: Outputs, picture: Picture) -> np.ndarray:
    """The picture, hot where an object is likely; where views overlap, the surer one counts."""
    tint = np.zeros(pixels.shape[:2], np.float32)
    for heat, window in zip(outputs["activation"], picture.windows, strict=True):
        shown = window.of(tint)
        height, width = shown.shape
        smooth = Image.fromarray(heat.astype(np.float32)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        np.maximum(shown, np.asarray(smooth).clip(0, 1), out=shown)
    strength = (tint * _STRONGEST_TINT)[..., None]
    return (pixels * (1 - strength) + _HOT_RGB * strength).round().astype(np.uint8)


def _write(pen: ImageDraw.ImageDraw, text: str, at: tuple[float, float], colour: str) -> None:
    """Dark letters on the box's colour, inside of the picture."""
    left, top = at
    box = pen.textbbox((max(0.0, left), max(0.0, top - _TEXT_PX)), text)
    pen.rectangle(box, colour)
    pen.text((max(0.0, left), max(0.0, top - _TEXT_PX)), text, "#101010")
