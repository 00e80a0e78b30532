"""Boxes of a bundle as objects of a picture: one each, in its pixels, wherever tiles meet."""

import json

import numpy as np
import pytest

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID
from vision_assets.vision.inference.geometry.windows import Picture, Window, whole
from vision_assets.vision.tasks.detection.answer import (
    beside_answer,
    difference,
    draw,
    same,
    to_answer,
)
from vision_assets_tests.vision.tasks.detection.cards import card, outputs

WHOLE = whole(100, 200)
THRESHOLDS = {"pass_below": 0.3, "refuse_from": 0.7}
TWO_TILES = Picture(100, 160, (Window(0, 0, 100, 100), Window(60, 0, 100, 100)))


def test_boxes_are_in_pixels_of_the_picture_strongest_first():
    found = outputs([(1, 0.6, (0.1, 0.2, 0.3, 0.4)), (2, 0.9, (0.5, 0.5, 1.0, 1.0))])
    answer = to_answer(found, card(), WHOLE, THRESHOLDS)
    assert [each["label"] for each in answer["objects"]] == ["spot", "scratch"]
    assert answer["objects"][0]["box"] == [100, 50, 200, 100]
    assert answer["objects"][1]["box"] == [20, 20, 60, 40]
    assert (answer["label"], answer["class_id"]) == ("spot", 12)
    assert answer["score"] == pytest.approx(0.9)
    assert answer["decision"] == "refuse"
    assert json.loads(json.dumps(answer)) == answer


def test_an_image_without_objects_shows_nothing():
    answer = to_answer(outputs([(1, 0.2, (0, 0, 1, 1))]), card(), WHOLE, THRESHOLDS)
    assert (answer["label"], answer["class_id"]) == (NOTHING, NOTHING_ID)
    assert answer["objects"] == []
    assert answer["score"] == pytest.approx(0.8)
    assert answer["decision"] == "pass"


def test_a_box_without_area_is_no_object():
    found = outputs([(1, 0.9, (0.2, 0.2, 0.2, 0.6)), (1, 0.8, (0.5, 0.5, 0.6, 0.6))])
    assert [each["score"] for each in to_answer(found, card(), WHOLE, {})["objects"]] == [
        pytest.approx(0.8)
    ]


def test_only_classes_that_are_defects_make_a_part_defect():
    answer = to_answer(outputs([(0, 0.9, (0, 0, 1, 1))]), card(), WHOLE, THRESHOLDS)
    assert answer["label"] == "good"
    assert answer["defect_score"] == 0


def test_a_weaker_box_of_the_same_object_is_left_out_and_one_of_another_class_stays():
    box, shifted = (0.1, 0.1, 0.5, 0.5), (0.12, 0.1, 0.52, 0.5)
    found = outputs([(1, 0.9, box), (1, 0.8, shifted), (2, 0.7, shifted)])
    told = to_answer(found, card(), WHOLE, {})["objects"]
    assert [each["label"] for each in told] == ["scratch", "spot"]


def test_what_is_asked_of_a_class_is_asked_of_it_alone():
    found = outputs([(1, 0.6, (0, 0, 0.4, 0.4)), (2, 0.6, (0.5, 0.5, 1, 1))])
    strict = card(calibration={"found_from/1": 0.7, "found_from/2": 0.5})
    assert [each["label"] for each in to_answer(found, strict, WHOLE, {})["objects"]] == ["spot"]


def test_what_is_too_faint_to_be_told_is_there_to_be_judged():
    found = outputs([(1, 0.9, (0, 0, 0.4, 0.4)), (2, 0.1, (0.5, 0.5, 1, 1))])
    assert "faint" not in to_answer(found, card(), WHOLE, {})
    assert beside_answer(found, card(), WHOLE)["faint"] == [[12, 0.1, 100, 50, 200, 100]]


def test_an_object_that_two_tiles_show_is_one_object():
    left, right = (0.7, 0.4, 0.9, 0.6), (0.1, 0.4, 0.3, 0.6)
    answer = to_answer(outputs([(1, 0.9, left)], [(1, 0.8, right)]), card(), TWO_TILES, {})
    assert [each["box"] for each in answer["objects"]] == [pytest.approx([70, 40, 90, 60])]


def test_the_part_of_an_object_that_a_tile_cuts_gives_way_to_the_whole_of_it():
    part, all_of_it = (0.9, 0.4, 1.0, 0.6), (0.3, 0.4, 0.6, 0.6)
    answer = to_answer(outputs([(1, 0.9, part)], [(1, 0.8, all_of_it)]), card(), TWO_TILES, {})
    assert [each["box"] for each in answer["objects"]] == [pytest.approx([90, 40, 120, 60])]


def test_an_edge_of_the_picture_cuts_nothing_away():
    answer = to_answer(outputs([(1, 0.9, (0, 0, 0.2, 0.2))], []), card(), TWO_TILES, {})
    assert answer["objects"][0]["score"] == pytest.approx(0.9)


def test_answers_are_the_same_where_boxes_and_classes_are():
    one = to_answer(outputs([(1, 0.9, (0.1, 0.1, 0.5, 0.5))]), card(), WHOLE, {})
    near = to_answer(outputs([(1, 0.8, (0.1, 0.1, 0.51, 0.5))]), card(), WHOLE, {})
    far = to_answer(outputs([(1, 0.9, (0.1, 0.1, 0.7, 0.5))]), card(), WHOLE, {})
    other = to_answer(outputs([(2, 0.9, (0.1, 0.1, 0.5, 0.5))]), card(), WHOLE, {})
    assert same(one, near)
    assert not same(one, far)
    assert not same(one, other)


def test_an_object_near_to_what_is_asked_may_be_missing_and_a_clear_one_not():
    nothing = to_answer(outputs([]), card(), WHOLE, {})
    near = to_answer(outputs([(1, 0.505, (0.1, 0.1, 0.5, 0.5))]), card(), WHOLE, {})
    clear = to_answer(outputs([(1, 0.52, (0.1, 0.1, 0.5, 0.5))]), card(), WHOLE, {})
    assert same(nothing, near)
    assert not same(nothing, clear)
    assert not same(clear, nothing)


def test_the_order_of_equal_scores_is_no_difference():
    one = outputs([(1, 0.5, (0, 0, 0.5, 0.5)), (1, 0.5, (0.5, 0.5, 1, 1))])
    other = {name: values.copy() for name, values in one.items()}
    other["boxes"][0, :2] = other["boxes"][0, 1::-1]
    assert difference(one, other) == 0


def test_another_box_another_score_or_another_class_is_a_difference():
    one = outputs([(1, 0.9, (0, 0, 0.5, 0.5))])
    assert difference(one, outputs([(1, 0.9, (0, 0, 0.6, 0.5))])) == pytest.approx(0.1)
    assert difference(one, outputs([(1, 0.7, (0, 0, 0.5, 0.5))])) == pytest.approx(0.2)
    assert difference(one, outputs([(2, 0.9, (0, 0, 0.5, 0.5))])) == 1


def test_objects_are_drawn_in_their_boxes():
    pixels = np.full((100, 200, 3), 90, np.uint8)
    found = outputs([(1, 0.9, (0.25, 0.5, 0.5, 0.8))])
    drawn = draw(pixels, found, card(), WHOLE)
    changed = (drawn != pixels).any(2)
    assert changed[50, 50:100].all()
    assert not changed[55:75, 55:95].any()


def test_the_picture_is_tinted_where_an_object_is_likely():
    pixels, found = np.full((100, 200, 3), 90, np.uint8), outputs([])
    found["activation"][0, :, 3] = 1
    drawn = draw(pixels, found, card(), WHOLE).astype(int)
    assert drawn[50, 190, 0] > 150
    assert drawn[50, 20, 0] == 90
