"""Detection: the boxes of a bundle as objects of a picture. Free of torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, Answer, Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.inference.geometry.windows import Picture, Window
from vision_assets.vision.tasks.detection.suppression import CUT_SHARE, iou, is_cut, suppress

DECISIVE = ("boxes", "scores", "classes")
FOUND_FROM = "found_from"
"""In a card's calibration, `found_from/<position of the class>`: the score from which an object is
told."""
OVERLAP, MOST_OBJECTS = "overlap", "most_objects"
"""Options of a card, as a recipe has them."""
FAINTEST = 0.01
"""Boxes with a lower score are none."""
_DEFAULT_FOUND_FROM = 0.3
_SAME_IOU = 0.9
_SAME_SCORE = 0.01
_TIE = 1e-3
_HOT_RGB = np.array([255.0, 60.0, 20.0])
_STRONGEST_TINT = 0.55
_COLOURS = ("#ffd400", "#00e5ff", "#ff6ad5", "#7dff5a", "#ff9b3d", "#b7a6ff", "#ffffff", "#5aa2ff")


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


def to_answer(
    outputs: Outputs, card: Card, picture: Picture, thresholds: Mapping[str, float]
) -> Answer:
    """The objects whose scores reach what is asked of their class.

    Args:
        outputs: `boxes` (v, m, 4), `scores` (v, m), `classes` (v, m).
        card: names the classes; its calibration has `found_from/<position>`.
        picture: whose pixels the boxes of an answer are in.
        thresholds: of `defect_score`.

    Returns:
        `objects`, strongest first, each with `label`, `class_id`, `score`, `box`; `label`,
        `class_id` and `score` of the strongest, or NOTHING; `found_from`, the least score of an
        object by class; `defect_score`, the highest score of any box of a class that is a defect,
        and the `decision` by it.
    """
    return _answer(candidates(outputs, card, picture), card, thresholds)


def to_judged(
    outputs: Outputs, card: Card, picture: Picture, thresholds: Mapping[str, float]
) -> Answer:
    """The same, and `faint`: class id, score and box of each object below what is asked.

    Precision can be followed along recall with them.
    """
    found = candidates(outputs, card, picture)
    answer = _answer(found, card, thresholds)
    faint = found.scores < _found_from(card)[found.classes]
    ids = np.array([entry.id for entry in card.classes])
    rows = zip(
        ids[found.classes[faint]].tolist(),
        found.scores[faint].tolist(),
        found.boxes[faint].tolist(),
        strict=True,
    )
    return answer | {
        "faint": [[class_id, round(score, 6), *_rounded(box)] for class_id, score, box in rows]
    }


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


def difference(one: Outputs, other: Outputs) -> float:
    """Largest difference of a score or a box, whatever the order of boxes with equal scores.

    The scores are compared in order; each box with the nearest one of its class whose score is
    the same up to rounding. Boxes fainter than an answer looks at do not count, nor do those
    as faint as the faintest: which of these are among them is chance.
    """
    largest = float(np.abs(one["scores"] - other["scores"]).max(initial=0))
    for view in range(len(one["scores"])):
        these, those = (_of_view(outputs, view) for outputs in (one, other))
        largest = max(largest, _farthest(these, those), _farthest(those, these))
    return largest


def same(one: Answer, other: Answer) -> bool:
    """Whether both tell of the same objects: of one class each and in the same place.

    An object that one of them alone tells of counts only where its score is clearly above what
    is asked of its class.
    """
    return _has_all(one, other) and _has_all(other, one)


def draw(pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture) -> np.ndarray:
    """The picture, tinted where an object is likely, with the boxes of those that are told."""
    canvas = Image.fromarray(_tinted(pixels, outputs, picture))
    pen = ImageDraw.Draw(canvas)
    width = max(1, round(min(pixels.shape[:2]) / 160))
    found = candidates(outputs, card, picture)
    told = np.flatnonzero(found.scores >= _found_from(card)[found.classes])
    for index in told[::-1]:
        class_index = int(found.classes[index])
        colour = _COLOURS[class_index % len(_COLOURS)]
        left, top, right, bottom = found.boxes[index].tolist()
        pen.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), None, colour, width)
        name, score = card.classes[class_index].name, found.scores[index]
        _write(pen, f"{name} {score:.2f}", (left, top), colour)
    return np.asarray(canvas)


def _answer(found: Candidates, card: Card, thresholds: Mapping[str, float]) -> Answer:
    least = _found_from(card)
    told = np.flatnonzero(found.scores >= least[found.classes])
    objects = [_object(found, int(index), card) for index in told]
    top = objects[0] if objects else {"label": NOTHING, "class_id": NOTHING_ID}
    defects = np.array([entry.defect for entry in card.classes])
    defect_score = float(found.scores[defects[found.classes]].max(initial=0.0))
    strongest = float(found.scores.max(initial=0.0))
    return {
        "label": top["label"],
        "class_id": top["class_id"],
        "score": top.get("score", 1 - strongest),
        "objects": objects,
        FOUND_FROM: {
            entry.name: float(score) for entry, score in zip(card.classes, least, strict=True)
        },
        "defect_score": defect_score,
        "decision": decide(defect_score, thresholds),
    }


def _object(found: Candidates, index: int, card: Card) -> dict[str, Any]:
    entry = card.classes[int(found.classes[index])]
    return {
        "label": entry.name,
        "class_id": entry.id,
        "score": float(found.scores[index]),
        "box": _rounded(found.boxes[index].tolist()),
    }


def _rounded(box: list[float]) -> list[float]:
    return [round(each, 2) for each in box]


def _found_from(card: Card) -> np.ndarray:
    """(k,) float: the least score of an object of each class."""
    said = card.calibration
    return np.array(
        [said.get(f"{FOUND_FROM}/{n}", _DEFAULT_FOUND_FROM) for n in range(len(card.classes))]
    )


def _inside(outputs: Outputs, view: int) -> np.ndarray:
    return outputs["scores"][view] >= FAINTEST


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


def _of_view(outputs: Outputs, view: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return outputs["boxes"][view], outputs["scores"][view], outputs["classes"][view]


def _farthest(these: tuple[np.ndarray, ...], those: tuple[np.ndarray, ...]) -> float:
    """The largest distance of a box to the nearest of its class and score among the others."""
    boxes, scores, classes = these
    counted = scores >= max(FAINTEST, float(scores[-1]) + _TIE)
    boxes, scores, classes = boxes[counted], scores[counted], classes[counted]
    if not len(boxes):
        return 0.0
    away = np.abs(boxes[:, None] - those[0][None]).max(2)
    away = np.maximum(away, np.abs(scores[:, None] - those[1][None]))
    away = np.where(classes[:, None] == those[2][None], away, 1.0)
    return float(away.min(1).max())


def _has_all(one: Answer, other: Answer) -> bool:
    """Whether every object of the one that is clear enough is in the other, each once."""
    free = list(range(len(other["objects"])))
    places = np.array([each["box"] for each in other["objects"]], float).reshape(-1, 4)
    for each in one["objects"]:
        ious = iou(np.array([each["box"]], float), places)[0]
        fitting = [
            index
            for index in free
            if other["objects"][index]["class_id"] == each["class_id"] and ious[index] >= _SAME_IOU
        ]
        if fitting:
            free.remove(max(fitting, key=lambda index: ious[index]))
        elif each["score"] >= one[FOUND_FROM][each["label"]] + _SAME_SCORE:
            return False
    return True


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
    box = pen.textbbox((max(0.0, left), max(0.0, top - 11)), text)
    pen.rectangle(box, colour)
    pen.text((max(0.0, left), max(0.0, top - 11)), text, "#101010")
