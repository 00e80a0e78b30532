import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import yaml

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.writing import coco, folders, voc, yolo
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.formats.writing.writers import writer
from vision_assets.vision.inference.geometry.rle import Rle, decode, encode
from vision_assets.vision.objects import AnnotatedObject
from vision_assets.vision.spec import ClassSpec

CLASSES = (ClassSpec(id=3, name="pit & co"), ClassSpec(id=1, name="scratch"))
PIT = AnnotatedObject(3, (0, 0, 20, 10))
OUTLINED = AnnotatedObject(1, (2, 4, 10, 8), polygons=((2, 4, 10, 4, 10, 8),))
MASK = np.zeros((10, 20), bool)
MASK[2:4, 5:9] = True
MASKED = AnnotatedObject(1, (5, 2, 9, 4), mask=encode(MASK))


def image(*objects: AnnotatedObject, name: str = "a.jpg", split: str = "train") -> AnnotatedImage:
    return AnnotatedImage(name, 20, 10, split=split, label="scratch", objects=objects)


def said(*images: AnnotatedImage) -> Annotations:
    return Annotations(images, CLASSES)


def files(format, annotations: Annotations) -> dict[str, str]:
    return {path: "".join(text) for path, text in format.annotation_files(annotations)}


def test_voc_has_the_edges_of_boxes():
    root = ET.fromstring(files(voc, said(image(PIT)))["Annotations/a.xml"])
    assert [int(edge.text) for edge in root.find("object/bndbox")] == [0, 0, 20, 10]
    assert root.findtext("object/name") == "pit & co"
    assert root.findtext("size/width") == "20"


def test_voc_lists_the_pictures_of_each_split():
    written = files(voc, said(image(), image(name="b.jpg"), image(name="c.jpg", split="test")))
    assert written["ImageSets/Main/train.txt"] == "a\nb\n"
    assert written["ImageSets/Main/test.txt"] == "c\n"


def test_the_label_map_has_names_as_they_are():
    assert "\npit & co:::\nscratch:::\n" in files(voc, said(image()))["labelmap.txt"]


def test_coco_has_a_file_for_each_split_with_stable_ids():
    written = files(coco, said(image(PIT, OUTLINED), image(name="b.jpg", split="val")))
    document = json.loads(written["annotations/instances_train.json"])
    assert [entry["id"] for entry in document["categories"]] == [3, 1]
    assert [entry["bbox"] for entry in document["annotations"]] == [[0, 0, 20, 10], [2, 4, 8, 4]]
    assert document["annotations"][1]["segmentation"] == [[2, 4, 10, 4, 10, 8]]
    assert document["annotations"][1]["area"] == 16
    assert json.loads(written["annotations/instances_val.json"])["annotations"] == []


def test_coco_has_the_pixels_as_run_lengths():
    document = json.loads(files(coco, said(image(MASKED)))["annotations/instances_train.json"])
    (entry,) = document["annotations"]
    assert (decode(Rle.from_json(entry["segmentation"])) == MASK).all()
    assert entry["area"] == 8


def test_yolo_counts_classes_by_position_and_shares_of_the_sides():
    written = files(yolo, said(image(PIT), image(name="b.jpg", split="test")))
    assert written["labels/train/a.txt"] == "0 0.5 0.5 1 1\n"
    assert written["labels/test/b.txt"] == ""
    assert yaml.safe_load(written["data.yaml"]) == {
        "train": "images/train",
        "test": "images/test",
        "names": {0: "pit & co", 1: "scratch"},
    }


def test_yolo_writes_outlines_only_where_every_object_has_one():
    assert files(yolo, said(image(OUTLINED)))["labels/train/a.txt"] == "1 0.1 0.4 0.5 0.4 0.5 0.8\n"
    assert files(yolo, said(image(OUTLINED, PIT)))["labels/train/a.txt"].count(" ") == 8


@pytest.mark.parametrize(
    ("format", "objects", "loss"),
    [
        (voc, (PIT, OUTLINED, MASKED), "outlines and masks of 2 objects"),
        (voc, (PIT,), "ids of 1 classes"),
        (yolo, (PIT, OUTLINED, MASKED), "masks of 1 objects"),
        (yolo, (PIT, OUTLINED), "outlines of 1 objects"),
        (folders, (PIT,), "1 objects"),
    ],
)
def test_what_a_format_has_no_place_for_is_said(format, objects, loss):
    assert any(loss in text for text in format.losses(said(image(*objects))))


def test_boxes_lose_nothing_in_coco_and_voc():
    assert coco.losses(said(image(PIT, OUTLINED, MASKED))) == []
    assert voc.losses(Annotations([image(PIT)], (ClassSpec(id=0, name="pit"),))) == []


def test_class_folders_lie_inside_of_splits():
    assert folders.picture_file(image()) == "train/scratch/a.jpg"


def test_an_unknown_format_is_refused():
    with pytest.raises(SpecError, match="coco, voc, yolo, folders"):
        writer("tfrecord")
