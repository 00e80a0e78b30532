"""What the endpoint answers: normal or anomaly, where, and the map."""

import json

import numpy as np
import pytest

from vision_assets.vision.inference.geometry.windows import tiled, whole
from vision_assets.vision.tasks.anomaly.answer import ANOMALY_ID, map_of, same, to_answer
from vision_assets.vision.tasks.anomaly.answer.stitch import stitched
from vision_assets_tests.vision.tasks.anomaly.cards import CARD

THRESHOLDS = {"pass_below": 0.6, "refuse_from": 0.6}


@pytest.fixture
def outputs() -> dict[str, np.ndarray]:
    values = np.full((1, 8, 8), 0.2, np.float32)
    values[0, 2, 3:5], values[0, 6, 6] = 0.9, 0.7
    return {"activation": values, "score": values.max((1, 2))}


def test_a_high_map_is_an_anomaly_with_its_regions_in_pixels(outputs: dict):
    answer = to_answer(outputs, CARD, whole(80, 160), THRESHOLDS)
    assert (answer["label"], answer["class_id"], answer["decision"]) == (
        "anomaly",
        ANOMALY_ID,
        "refuse",
    )
    assert [each["box"] for each in answer["objects"]] == [[60, 20, 100, 30], [120, 60, 140, 70]]
    assert sorted(answer["objects"][1]["polygons"][0]) == sorted(
        [120, 60, 140, 60, 140, 70, 120, 70]
    )


def test_a_low_map_is_of_the_normal_class(outputs: dict):
    answer = to_answer(outputs, CARD, whole(80, 160), {"pass_below": 0.95, "refuse_from": 0.95})
    assert (answer["label"], answer["class_id"], answer["objects"]) == ("ok", 4, [])
    assert answer["decision"] == "pass"


def test_a_card_of_defects_alone_answers_nothing(outputs: dict):
    card = CARD.model_copy(update={"classes": CARD.classes[:1]})
    high = {"pass_below": 0.95, "refuse_from": 0.95}
    assert to_answer(outputs, card, whole(8, 8), high)["label"] == "(nothing)"


def test_the_map_travels_in_256_levels_and_as_json(outputs: dict):
    answer = to_answer(outputs, CARD, whole(80, 160), {})
    assert answer["decision"] is None
    assert json.loads(json.dumps(answer)) == answer
    assert np.abs(map_of(answer) / 255 - outputs["activation"][0]).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize(("apart", "alike"), [(0.015, True), (0.05, False)])
def test_answers_are_the_same_where_their_maps_are(outputs: dict, apart: float, alike: bool):
    moved = outputs["activation"].copy()
    moved[0, 0, 0] += apart
    one, other = (
        to_answer(outputs | {"activation": values}, CARD, whole(80, 160), THRESHOLDS)
        for values in (outputs["activation"], moved)
    )
    assert one["class_id"] == other["class_id"]
    assert same(one, other) is alike


def test_answers_are_not_the_same_where_one_says_normal(outputs: dict):
    high = {"pass_below": 0.95, "refuse_from": 0.95}
    one, other = (to_answer(outputs, CARD, whole(80, 160), by) for by in (THRESHOLDS, high))
    assert one["map_png"] == other["map_png"]
    assert not same(one, other)


def test_tiles_become_one_map_of_the_whole_picture():
    picture = tiled(100, 180, tile_px=100, overlap=0.2)
    maps = np.zeros((len(picture.windows), 10, 10), np.float32)
    maps[1, 5, 9] = 0.8
    found = stitched(maps, picture)
    assert found.shape == (10, 18)
    assert np.argwhere(found > 0).tolist() == [[5, 17]]


def test_the_map_of_a_huge_picture_is_bounded():
    picture = tiled(6000, 8000, tile_px=1000, overlap=0.1)
    maps = np.random.default_rng(0).random((len(picture.windows), 64, 64), np.float32)
    assert max(stitched(maps, picture).shape) <= 512


@pytest.mark.parametrize(("height_px", "width_px"), [(6000, 8000), (300, 9000), (2050, 2050)])
def test_a_peak_of_any_cell_is_on_the_map_of_a_huge_picture(height_px: int, width_px: int):
    picture = tiled(height_px, width_px, tile_px=250, overlap=0.1)
    maps = np.zeros((len(picture.windows), 64, 64), np.float32)
    rng = np.random.default_rng(0)
    for cell in zip(*(rng.integers(0, n, 20) for n in maps.shape), strict=True):
        maps[cell] = 0.9
        assert stitched(maps, picture).max() == maps.max()
        maps[cell] = 0


def test_every_cell_of_the_map_of_a_huge_picture_is_seen():
    picture = tiled(6000, 8000, tile_px=1000, overlap=0)
    maps = np.ones((len(picture.windows), 64, 64), np.float32)
    assert stitched(maps, picture).all()


def test_regions_of_a_noisy_map_are_bounded():
    noise = np.random.default_rng(0).random((1, 64, 64), np.float32)
    answer = to_answer({"activation": noise, "score": noise.max((1, 2))}, CARD, whole(640, 640), {})
    assert len(answer["objects"]) <= 16
    assert len(json.dumps(answer)) < 60_000
