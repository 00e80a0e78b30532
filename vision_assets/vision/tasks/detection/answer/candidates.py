"""The boxes of a bundle as candidates: one for each object of a picture, however faint."""

from dataclasses import dataclass

import numpy as np

from vision_assets.vision.inference.answers import Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.geometry.windows import Picture, Window
from vision_assets.vision.tasks.detection.answer.suppression import (
    CUT_SHARE,
    area,
    is_cut,
    suppress,
)

FOUND_FROM = "found_from"
"""In a card's calibration, `found_from/<position of the class>`: the score from which an object is
told."""
OVERLAP, MOST_OBJECTS = "overlap", "most_objects"
"""Options of a card, as a recipe has them."""
FAINTEST = 0.01
"""Boxes with a lower score are none."""
_DEFAULT_FOUND_FROM = 0.3


@dataclass(frozen=True)
class Candidates:
    """Boxes of one picture, one for each object, strongest first.

    Attributes:
        boxes: (m, 4) float, in pixels of the picture.
        scores: (m,) float.
        classes: (m,) int, positions in the card.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


def candidates(outputs: Outputs, card: Card, picture: Picture) -> Candidates:
    """One box for each object that any view shows, however faint."""
    boxes, scores, classes, cut = [], [], [], []
    for view, window in enumerate(picture.windows):
        inside = _inside(outputs, view)
        is_cut_here = is_cut(outputs["boxes"][view][inside], _goes_on(window, picture))
        boxes.append(_in_picture(outputs["boxes"][view][inside], window))
        scores.append(outputs["scores"][view][inside] * np.where(is_cut_here, CUT_SHARE, 1))
        classes.append(outputs["classes"][view][inside])
        cut.append(is_cut_here)
    found = Candidates(*(np.concatenate(each) for each in (boxes, scores, classes)))
    overlap = float(card.options.get(OVERLAP, "0.5"))
    most = int(card.options.get(MOST_OBJECTS, "100"))
    kept = suppress(found.boxes, found.scores, found.classes, np.concatenate(cut), overlap, most)
    return Candidates(found.boxes[kept], found.scores[kept], found.classes[kept])


def found_from(card: Card) -> np.ndarray:
    """(k,) float: the least score of an object of each class."""
    said = card.calibration
    return np.array(
        [said.get(f"{FOUND_FROM}/{n}", _DEFAULT_FOUND_FROM) for n in range(len(card.classes))]
    )


def _inside(outputs: Outputs, view: int) -> np.ndarray:
    """Which boxes of a view are any: of some area, and not fainter than the faintest."""
    return (outputs["scores"][view] >= FAINTEST) & (area(outputs["boxes"][view]) > 0)


def _goes_on(window: Window, picture: Picture) -> tuple[bool, bool, bool, bool]:
    """Whether the picture goes on beyond each edge of the window."""
    return (
        window.left_px > 0,
        window.top_px > 0,
        window.left_px + window.width_px < picture.width_px,
        window.top_px + window.height_px < picture.height_px,
    )


def _in_picture(boxes: np.ndarray, window: Window) -> np.ndarray:
    """Boxes of a view, 0..1, in pixels of the picture."""
    scaled = boxes.astype(np.float64) * ([window.width_px, window.height_px] * 2)
    return scaled + [window.left_px, window.top_px] * 2
