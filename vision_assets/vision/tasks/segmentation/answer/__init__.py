"""Segmentation: the probabilities of a bundle as regions of the picture. Free of torch."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, Answer, Outputs
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.inference.geometry.outlines import outlines
from vision_assets.vision.inference.geometry.regions import Region, regions
from vision_assets.vision.inference.geometry.rle import Rle, decode, encode_part
from vision_assets.vision.inference.geometry.windows import Picture
from vision_assets.vision.tasks.segmentation.answer.evidence import defect_score, evidence
from vision_assets.vision.tasks.segmentation.answer.merging import merged

DECISIVE = ("probabilities", "shares")
LEVELS = 255
MOST_REGIONS = 100
MIN_REGION = "min_region_px"
"""Option of the card: pixels of the network's input that a region has at least."""
_SAME_SHARE, _SAME_OF_PICTURE = 0.02, 1e-4
_TINT = 0.35
_COLOURS_RGB = np.array(
    [(230, 60, 20), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233)]
)


def to_answer(
    outputs: Outputs, card: Card, picture: Picture, thresholds: Mapping[str, float]
) -> Answer:
    """The regions of a picture.

    Args:
        outputs: `probabilities`, (v, k + 1, h, w) uint8, one view for each window.
        card: names the classes; says from what size on a region counts.
        picture: what the views show.
        thresholds: of `defect_score`.

    Returns:
        `objects`, at most 100, the largest first, each with `label`, `class_id`, `score` (the mean
        probability of its pixels), `box`, `polygons` and `mask`; `area_share` of each class by
        name. `label`, `class_id` and `score` are those of the largest region of a defect, where
        there is none of the largest region, else NOTHING with the probability that it is sound.
        `defect_score` and the `decision` by it.
    """
    levels = outputs["probabilities"]
    classes, surest = merged(levels, picture)
    found = regions(classes, surest, _min_area(card, picture), MOST_REGIONS)
    defects = [False, *(entry.defect for entry in card.classes)]
    of_defect = defect_score(evidence(levels, defects), card.calibration)
    main = next((each for each in found if defects[each.index]), found[0] if found else None)
    entry = None if main is None else card.classes[main.index - 1]
    return {
        "label": NOTHING if entry is None else entry.name,
        "class_id": NOTHING_ID if entry is None else entry.id,
        "score": 1 - of_defect if main is None else main.level / LEVELS,
        "objects": [_object(each, card, picture) for each in found],
        "area_share": _area_shares(found, card, picture),
        "defect_score": of_defect,
        "decision": decide(of_defect, thresholds),
    }


def difference(one: Outputs, other: Outputs) -> float:
    """Largest absolute difference of a probability or of a class's mean probability.

    A level of 255 that was rounded the other way does not count; means are not rounded, and show
    what many such levels would hide.
    """
    levels = np.abs(one["probabilities"].astype(np.int16) - other["probabilities"])
    rounded = max(int(levels.max()) - 1, 0) / LEVELS
    return max(rounded, float(np.abs(one["shares"] - other["shares"]).max()))


def same(one: Answer, other: Answer) -> bool:
    """Whether both name the same class, and show the same pixels of each class but for 2 %."""
    if one["class_id"] != other["class_id"]:
        return False
    ids = {each["class_id"] for each in (*one["objects"], *other["objects"])}
    return all(_alike(pixels_of(one, key), pixels_of(other, key)) for key in ids)


def pixels_of(answer: Answer, class_id: int) -> np.ndarray | None:
    """The pixels of a class, (h, w) bool; None where an answer has none of it."""
    masks = [each["mask"] for each in answer["objects"] if each["class_id"] == class_id]
    if not masks:
        return None
    found = decode(Rle.from_json(masks[0]))
    for mask in masks[1:]:
        found |= decode(Rle.from_json(mask))
    return found


def draw(pixels: np.ndarray, outputs: Outputs, card: Card, picture: Picture) -> np.ndarray:
    """The picture with the regions of each class in its colour, and a line around them."""
    classes, _ = merged(outputs["probabilities"], picture)
    inside = classes > 0
    colours = _COLOURS_RGB[(classes.astype(int) - 1) % len(_COLOURS_RGB)]
    strength = np.where(_border(classes), 1.0, _TINT)[..., None] * inside[..., None]
    return (pixels * (1 - strength) + colours * strength).round().astype(np.uint8)


def _alike(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None:
        there = one if other is None else other
        return there is None or there.mean() <= _SAME_OF_PICTURE
    other_pixels = int((one ^ other).sum())
    return other_pixels <= _SAME_SHARE * int((one | other).sum()) + _SAME_OF_PICTURE * one.size


def _object(region: Region, card: Card, picture: Picture) -> dict[str, Any]:
    entry = card.classes[region.index - 1]
    left, top, *_ = region.box
    mask = encode_part(region.mask, left, top, picture.height_px, picture.width_px)
    return {
        "label": entry.name,
        "class_id": entry.id,
        "score": region.level / LEVELS,
        "box": [float(side) for side in region.box],
        "polygons": outlines(region.mask, left, top),
        "mask": mask.to_json(),
    }


def _area_shares(found: list[Region], card: Card, picture: Picture) -> dict[str, float]:
    """Of the picture, by the name of each class."""
    areas = np.zeros(len(card.classes) + 1)
    for region in found:
        areas[region.index] += region.area_px
    shares = areas[1:] / (picture.height_px * picture.width_px)
    return {entry.name: float(share) for entry, share in zip(card.classes, shares, strict=True)}


def _min_area(card: Card, picture: Picture) -> float:
    """Pixels of the picture that are as many as a region has in the network's input."""
    window = picture.windows[0]
    scale = window.width_px * window.height_px / (card.input.width_px * card.input.height_px)
    return float(card.options.get(MIN_REGION, "1")) * scale


def _border(classes: np.ndarray) -> np.ndarray:
    """Pixels beside one of another class, (h, w) bool."""
    found = np.zeros(classes.shape, bool)
    down, across = classes[1:] != classes[:-1], classes[:, 1:] != classes[:, :-1]
    found[1:] |= down
    found[:-1] |= down
    found[:, 1:] |= across
    found[:, :-1] |= across
    return found
