"""Probabilities become regions, in pixels of the picture as it was sent."""

import json

import numpy as np
import pytest

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID
from vision_assets.vision.inference.geometry.rle import Rle, decode
from vision_assets.vision.inference.geometry.windows import tiled, whole
from vision_assets.vision.objects import fill
from vision_assets.vision.tasks.segmentation import answer
from vision_assets_tests.vision.tasks.segmentation.cards import card, outputs

PICTURE = whole(32, 32)


def seen(*patches: tuple[int, slice, slice]) -> np.ndarray:
    classes = np.zeros((32, 32), np.uint8)
    for index, rows, columns in patches:
        classes[rows, columns] = index
    return classes


CRACK = seen((2, slice(4, 10), slice(8, 24)))


def said(classes: np.ndarray, picture=PICTURE, of=None, thresholds=None, **options) -> dict:
    return answer.to_answer(outputs(classes, **options), of or card(), picture, thresholds or {})


def test_a_region_has_class_score_box_mask_and_outline():
    (found,) = said(CRACK)["objects"]
    assert (found["label"], found["class_id"]) == ("crack", 3)
    assert found["score"] == pytest.approx(235 / 255)
    assert found["box"] == [8, 4, 24, 10]
    mask = decode(Rle.from_json(found["mask"]))
    assert np.array_equal(mask, CRACK == 2)
    assert np.array_equal(fill([tuple(each) for each in found["polygons"]], 32, 32), mask)


def test_the_mask_has_the_size_of_the_picture_as_it_was_sent():
    found = said(CRACK, whole(320, 640))
    (region,) = found["objects"]
    assert region["mask"]["size"] == [320, 640]
    assert region["box"] == pytest.approx([160, 40, 480, 100], abs=12)
    assert found["area_share"]["crack"] == pytest.approx(96 / 1024, rel=0.1)


def test_the_largest_defect_names_the_image():
    classes = seen((1, slice(0, 20), slice(0, 32)), (3, slice(24, 30), slice(2, 9)))
    found = said(classes)
    assert [each["label"] for each in found["objects"]] == ["label", "spot"]
    assert (found["label"], found["class_id"]) == ("spot", 5)


def test_without_a_defect_the_largest_region_names_it():
    found = said(seen((1, slice(0, 20), slice(0, 32))))
    assert found["label"] == "label"
    assert found["defect_score"] < 0.01


def test_nothing_is_an_answer_too():
    found = said(seen())
    assert (found["label"], found["class_id"], found["objects"]) == (NOTHING, NOTHING_ID, [])
    assert found["score"] == pytest.approx(1 - found["defect_score"])
    assert found["area_share"] == {"label": 0, "crack": 0, "spot": 0}


@pytest.mark.parametrize(("level", "decision"), [(0, "pass"), (100, "review"), (255, "refuse")])
def test_thresholds_decide_by_the_score_of_a_defect(level: int, decision: str):
    found = said(CRACK, thresholds={"pass_below": 0.2, "refuse_from": 0.9}, level=level)
    assert found["decision"] == decision


def test_regions_of_few_pixels_of_the_input_are_left_out():
    dot = seen((2, slice(4, 6), slice(8, 11)))
    assert said(dot, of=card(min_region_px="6"))["objects"]
    assert not said(dot, of=card(min_region_px="7"))["objects"]
    assert not said(dot, whole(640, 640), of=card(min_region_px="9"))["objects"]


def test_no_answer_has_more_than_a_hundred_regions():
    dots = np.zeros((64, 64), np.uint8)
    dots[::2, ::2] = 2
    assert len(said(dots, whole(64, 64), of=card(64))["objects"]) == answer.MOST_REGIONS


def test_a_region_that_reaches_over_tiles_is_one():
    picture = tiled(32, 56, 32, 0.25)
    crack = np.zeros((32, 56), np.uint8)
    crack[10:20, 5:50] = 2
    views = [window.of(crack) for window in picture.windows]
    found = answer.to_answer(outputs(*views), card(), picture, {})
    (region,) = found["objects"]
    assert region["box"] == [5, 10, 50, 20]
    assert np.array_equal(decode(Rle.from_json(region["mask"])), crack == 2)


def test_an_answer_is_json():
    assert json.loads(json.dumps(said(CRACK))) == said(CRACK)


def test_pixels_at_the_edge_of_a_region_do_not_make_another_answer():
    grown = CRACK.copy()
    grown[10, 8] = 2
    moved = np.roll(CRACK, 2, axis=0)
    assert answer.same(said(CRACK), said(grown))
    assert not answer.same(said(CRACK), said(moved))
    assert not answer.same(said(CRACK), said(seen()))


def test_a_level_that_was_rounded_the_other_way_is_no_difference():
    one, other = outputs(CRACK), outputs(CRACK, level=236)
    other["shares"] = one["shares"]
    assert answer.difference(one, other) == 0
    assert answer.difference(one, outputs(CRACK, level=238)) == pytest.approx(2 / 255)


def test_means_show_what_rounding_hides():
    one, other = outputs(CRACK), outputs(CRACK)
    other["shares"] = one["shares"] + np.float32(0.001)
    assert answer.difference(one, other) == pytest.approx(0.001, rel=1e-3)


def test_regions_are_drawn_in_the_colour_of_their_class():
    grey = np.full((64, 64, 3), 128, np.uint8)
    drawn = answer.draw(grey, outputs(CRACK), card(), whole(64, 64))
    assert drawn.shape == grey.shape
    assert drawn.dtype == np.uint8
    assert (drawn[40:] == 128).all()
    assert (drawn[14, 32] != 128).any()
