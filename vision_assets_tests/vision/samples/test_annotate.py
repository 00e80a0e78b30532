"""Samples of every format are recognised and read, their warts and no others found."""

import numpy as np
import pytest
from PIL import Image

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.look import look
from vision_assets.vision.formats.task_proposal import propose_task
from vision_assets.vision.samples.annotate import FORMATS
from vision_assets.vision.samples.draw import LABELS
from vision_assets.vision.samples.write import write_samples

N = 25


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """What was written, and what is found of it, by format."""

    def deliver(format):
        report = write_samples(tmp_path_factory.mktemp(format), N, 1, format=format, conflicts=0)
        return report, look(report.folder, max_decoded=100)

    return {format: deliver(format) for format in FORMATS}


@pytest.mark.parametrize("format", FORMATS)
def test_the_format_is_recognised(delivered, format):
    report, findings = delivered[format]
    assert findings.layout.label == format
    assert findings.n_images == report.n_files
    assert len(findings.broken) == len(report.broken)


@pytest.mark.parametrize("format", FORMATS)
def test_attributes_are_in_the_names(delivered, format):
    assert delivered[format][1].attributes["part"] == delivered[format][0].n_files


@pytest.mark.parametrize(
    ("format", "task"),
    [
        ("pattern", "classification"),
        ("voc", "detection"),
        ("yolo", "detection"),
        ("masks", "segmentation"),
        ("mvtec", "anomaly"),
    ],
)
def test_the_task_is_the_one_that_the_demo_is_for(delivered, format, task):
    assert propose_task(delivered[format][1]).task == task


@pytest.mark.parametrize(
    ("format", "faults"),
    [
        ("voc", {"no_area": 1, "outside": 1, "damaged": 1}),
        ("coco", {"no_area": 2, "outside": 1}),
        ("yolo", {"no_area": 1, "outside": 1, "bad_object": 1}),
        ("masks", {"another_size": 3}),
        ("mvtec", {"another_size": 3}),
    ],
)
def test_a_few_annotations_are_wrong(delivered, format, faults):
    report, findings = delivered[format]
    assert findings.objects.n_faults == faults
    assert len(report.wrong_annotations) == 3


def test_good_pictures_have_no_mask_with_mvtec(delivered):
    folder = delivered["mvtec"][0].folder
    assert not list(folder.glob("ground_truth/good/*"))
    assert {path.name for path in (folder / "test").iterdir()} == {"good", *LABELS[1:]}


def test_masks_are_of_the_drawn_pixels(delivered):
    folder = delivered["masks"][0].folder
    for path in (folder / "masks").glob("*_ok.png"):
        assert not np.asarray(Image.open(path)).any()


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        write_samples(tmp_path / name, 12, 3, format="coco")
    one, two = ((tmp_path / name / "annotations/instances.json") for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_an_unknown_format_is_refused(tmp_path):
    with pytest.raises(SpecError, match="mvtec"):
        write_samples(tmp_path, 12, format="tfrecord")
