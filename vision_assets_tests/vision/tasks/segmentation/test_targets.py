"""What views show: rasterised from objects, at the size of the input."""

import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.errors import TrainingError
from vision_assets.vision.inference.bundle import CardClass, InputSize, Tiling
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.tasks.segmentation.class_map import class_map
from vision_assets.vision.tasks.segmentation.targets import object_targets, rasterised, shrink
from vision_assets.vision.training.views import with_views

CLASSES = (CardClass(id=7, name="scratch", defect=True), CardClass(id=9, name="spot", defect=True))
BOX = AnnotatedObject(7, (10, 20, 30, 60))
SPOT = AnnotatedObject(9, (14, 24, 20, 30))


def rows_of(*objects: list[AnnotatedObject], side_px: int = 80) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_id": [str(n) for n in range(len(objects))],
            "objects": [to_text(each) for each in objects],
            "width": side_px,
            "height": side_px,
        }
    )


def maps_of(rows: pd.DataFrame, side_px: int) -> np.ndarray:
    with rasterised(object_targets(rows, CLASSES), side_px, side_px) as maps:
        return maps[np.arange(len(maps))].numpy()


def test_a_box_without_outline_is_filled():
    (found,) = maps_of(rows_of([BOX]), 80)
    assert (found[20:60, 10:30] == 1).all()
    assert (found > 0).sum() == 40 * 20


def test_the_smaller_object_lies_on_the_larger_one():
    for objects in ([BOX, SPOT], [SPOT, BOX]):
        (found,) = maps_of(rows_of(objects), 80)
        assert (found[24:30, 14:20] == 2).all()
        assert (found == 1).sum() == 40 * 20 - 36


def test_an_outline_is_filled_inside_of_its_box():
    triangle = AnnotatedObject(7, (0, 0, 80, 80), polygons=((0, 0, 80, 0, 0, 80),))
    (found,) = maps_of(rows_of([triangle]), 80)
    assert found[10, 10] == 1
    assert found[70, 70] == 0


def test_pixels_are_counted_by_class():
    rows = rows_of([BOX, SPOT], [])
    with rasterised(object_targets(rows, CLASSES), 80, 80) as maps:
        assert maps.counts.tolist() == [[6400 - 800, 764, 36], [6400, 0, 0]]


def test_a_part_of_the_targets_is_that_of_those_rows():
    targets = object_targets(rows_of([BOX], [SPOT], []), CLASSES)
    with rasterised(targets[1:], 40, 40) as maps:
        assert len(maps) == 2
        assert maps.counts[:, 2].tolist() == [9, 0]


def test_a_tile_shows_its_part_of_the_objects():
    size = InputSize(height_px=40, width_px=40, tiling=Tiling(tile_px=40, overlap=0))
    rows = with_views(rows_of([BOX]), size)
    found = maps_of(rows, 40)
    tiles = np.block([[found[0], found[1]], [found[2], found[3]]])
    assert np.array_equal(tiles, maps_of(rows_of([BOX]), 80)[0])


def test_a_smaller_map_keeps_what_covers_half_of_a_pixel():
    large = np.zeros((8, 8), np.uint8)
    large[:4, :5] = 2
    assert shrink(large, 2, 2).tolist() == [[2, 0], [0, 0]]


def test_a_map_of_the_right_size_stays():
    large = np.random.default_rng(0).integers(0, 5, (20, 30)).astype(np.uint8)
    assert np.array_equal(shrink(large, 20, 30), large)


def test_an_object_of_an_unknown_class_is_told():
    with pytest.raises(TrainingError, match=r"scratch.*got the class ids \[3\]"):
        object_targets(rows_of([AnnotatedObject(3, (0, 0, 4, 4))]), CLASSES)


def test_an_image_with_a_label_alone_is_told():
    rows = rows_of([BOX], [SPOT])
    rows.loc[1, "objects"] = None
    with pytest.raises(TrainingError, match="with an empty list where there is nothing"):
        object_targets(rows, CLASSES)


def test_a_mask_of_another_size_is_told():
    wrong = AnnotatedObject(7, (0, 0, 4, 4), mask=encode(np.ones((8, 8), bool)))
    with pytest.raises(TrainingError, match="expected a mask of 80 x 80 pixels, got 8 x 8"):
        maps_of(rows_of([wrong]), 80)


def test_a_mask_is_taken_as_it_is():
    mask = np.random.default_rng(0).random((80, 80)) < 0.5
    given = AnnotatedObject(7, (0, 0, 80, 80), mask=encode(mask))
    index = {7: 1}
    assert np.array_equal(class_map([given], 80, 80, index), mask)


def test_ten_times_the_views_take_the_same_memory():
    import tracemalloc

    def peak(n: int) -> int:
        targets = object_targets(rows_of(*[[BOX, SPOT]] * n), CLASSES)
        tracemalloc.start()
        with rasterised(targets, 256, 256) as maps:
            maps[np.arange(8)]
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(20), peak(200)
    assert many < few + 180 * 256, "less than a row of each map"
