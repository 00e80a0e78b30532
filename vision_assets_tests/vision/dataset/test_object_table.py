import numpy as np
import pandas as pd
import pytest

from vision_assets.vision.dataset.object_statistics import object_statistics
from vision_assets.vision.dataset.object_table import object_table
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.objects import AnnotatedObject, to_text
from vision_assets.vision.spec import ClassSpec

CLASSES = (ClassSpec(id=3, name="pit"), ClassSpec(id=5, name="scratch"))
MASK = np.zeros((10, 20), bool)
MASK[2:4, 5:9] = True


def manifest(*objects: list[AnnotatedObject] | None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image_id": [f"image{n}" for n in range(len(objects))],
            "objects": [None if said is None else to_text(said) for said in objects],
            "width": 20,
            "height": 10,
            "split": ["train", "test"] * (len(objects) // 2) + ["train"] * (len(objects) % 2),
        }
    )


@pytest.fixture
def table():
    """Pit and scratch; two pits; looked at, nothing there; nobody looked."""
    pit = AnnotatedObject(3, (0, 0, 4, 2))
    scratch = AnnotatedObject(5, (5, 2, 9, 4), mask=encode(MASK))
    return object_table(manifest([pit, scratch], [pit, pit], [], None), CLASSES)


def test_objects_have_a_row_each(table):
    assert table.objects["label"].tolist() == ["pit", "scratch", "pit", "pit"]
    assert table.objects["image_id"].tolist() == ["image0", "image0", "image1", "image1"]
    assert table.objects["split"].tolist() == ["train", "train", "test", "test"]
    assert table.objects["ratio"].tolist() == [2, 2, 2, 2]
    assert table.objects["area_share"].tolist() == pytest.approx([0.04] * 4)


def test_nothing_there_is_not_the_same_as_nobody_looked(table):
    assert table.per_image.tolist() == [2, 2, 0, pd.NA]


def test_a_share_is_of_the_pixels_where_they_are_known_else_of_the_outline():
    outlined = AnnotatedObject(3, (0, 0, 20, 10), polygons=((0, 0, 20, 0, 0, 10),))
    masked = AnnotatedObject(3, (0, 0, 20, 10), mask=encode(MASK))
    shares = object_table(manifest([outlined, masked]), CLASSES).objects["area_share"]
    assert shares.tolist() == pytest.approx([0.5, 0.04])


def test_an_unknown_class_has_no_name():
    objects = object_table(manifest([AnnotatedObject(9, (0, 0, 1, 1))]), CLASSES).objects
    assert objects["label"].isna().all()


def test_without_objects_the_table_is_empty():
    assert object_table(manifest(None, []), CLASSES).objects.empty


def test_statistics_count_images_and_objects(table):
    found = object_statistics(table, CLASSES)
    assert (found.n_objects, found.n_images, found.n_empty) == (4, 3, 1)
    rows = found.classes.set_index("label")
    assert rows.loc["pit", ["images", "objects", "train", "val", "test"]].tolist() == [
        2,
        3,
        1,
        0,
        2,
    ]
    assert rows.loc["scratch", "width"] == 4


def test_statistics_say_which_classes_come_together(table):
    together = object_statistics(table, CLASSES).together
    assert together.loc["pit", "scratch"] == together.loc["scratch", "pit"] == 1
    assert together.loc["pit", "pit"] == 2


def test_statistics_of_nothing_are_empty():
    found = object_statistics(object_table(manifest(None), CLASSES), CLASSES)
    assert (found.n_objects, len(found.classes), len(found.together)) == (0, 0, 0)
