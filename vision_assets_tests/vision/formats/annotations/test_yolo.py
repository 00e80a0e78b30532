"""YOLO: boxes and outlines in shares come back to the pixel; what is broken is named."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.errors import SpecError
from vision_assets.vision.formats.annotations.file_text import Unusable
from vision_assets.vision.formats.annotations.said import Kind, Said
from vision_assets.vision.formats.annotations.upright import Frame, to_upright
from vision_assets.vision.formats.annotations.yolo import read_yolo
from vision_assets.vision.formats.annotations.yolo_data import YoloData, read_yolo_data
from vision_assets.vision.formats.annotations.yolo_folder import YoloFolder
from vision_assets_tests.vision.formats.annotations.said_things import (
    mutations,
    objects_of,
    read_or_refusal,
)

SIDES = st.integers(16, 8000)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[tuple[int, int], tuple[int, ...]]:
    """The size of a picture and a box of whole pixels on it."""
    width, height = draw(SIDES), draw(SIDES)
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right = draw(st.integers(left + 1, width))
    return (width, height), (left, top, right, draw(st.integers(top + 1, height)))


@given(boxes())
def test_a_box_comes_back_to_the_pixel(drawn: tuple):
    (width, height), (left, top, right, bottom) = drawn
    x, y = (left + right) / 2 / width, (top + bottom) / 2 / height
    line = f"1 {x!r} {y!r} {(right - left) / width!r} {(bottom - top) / height!r}\n"
    found = to_upright(read_yolo(line.encode(), "a.txt", ["good", "spot"]), Frame((width, height)))
    assert isinstance(found, tuple)
    assert [(each.label, each.box) for each in found] == [("spot", (left, top, right, bottom))]


@given(boxes())
def test_an_outline_comes_back_to_the_pixel(drawn: tuple):
    (width, height), (left, top, right, bottom) = drawn
    points = (left, top, right, top, right, bottom)
    shares = [value / (height if at % 2 else width) for at, value in enumerate(points)]
    line = " ".join(["0", *map(repr, shares)])
    found = to_upright(read_yolo(line.encode(), "a.txt", ["spot"]), Frame((width, height)))
    assert isinstance(found, tuple)
    assert (found[0].polygons, found[0].box) == ((points,), (left, top, right, bottom))


def test_an_empty_text_says_that_there_is_no_object():
    assert read_yolo(b"", "a.txt", ["spot"]).objects == ()


@pytest.mark.parametrize(
    "line", ["2 .5 .5 .1 .1", "spot .5 .5 .1 .1", "0 .5 .5 .1", "0 .1 .2 .3 .4 .5", "0 nan 0 1 1"]
)
def test_a_line_that_is_no_object_is_named(line: str):
    said = read_yolo(f"\n{line}\n0 .5 .5 .1 .1".encode(), "a.txt", ["good", "spot"])
    assert [(fault.kind, fault.index) for fault in said.faults] == [(Kind.BAD_OBJECT, 2)]
    assert len(objects_of(said)) == 1


@given(mutations(b"0 .5 .5 .25 .25\n1 .1 .1 .2 .1 .2 .2\n"))
def test_no_bytes_break_the_reader(data: bytes):
    found = read_or_refusal(lambda: read_yolo(data, "a.txt", ["good", "spot"]))
    assert isinstance(found, Said | Unusable)


DATA = b"path: ../data\ntrain: ../train/images\nval: [valid/images]\nnames: {0: good, 1: spot}\n"


def test_names_and_splits_are_those_of_data_yaml(tmp_path: Path):
    (tmp_path / "data.yaml").write_bytes(DATA.replace(b"path: ../data\n", b""))
    data = read_yolo_data(tmp_path, "data.yaml")
    assert data.names == ("good", "spot")
    assert data.split_of("train/images/a.jpg") == "train"
    assert data.split_of("valid/images/deep/a.jpg") == "val"
    assert data.split_of("other/a.jpg") is None


def test_a_split_may_be_a_list_of_images(tmp_path: Path):
    (tmp_path / "data.yaml").write_text("names: [spot]\ntest: test.txt\n")
    (tmp_path / "test.txt").write_text("./images/a.jpg\n\n")
    data = read_yolo_data(tmp_path, "data.yaml")
    assert (data.split_of("images/a.jpg"), data.split_of("images/b.jpg")) == ("test", None)


@settings(deadline=2000)  # files are written
@given(mutations(DATA))
def test_no_bytes_break_the_reader_of_data_yaml(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
):
    folder = tmp_path_factory.mktemp("yolo")
    (folder / "data.yaml").write_bytes(data)
    found = read_or_refusal(lambda: read_yolo_data(folder, "data.yaml"))
    assert isinstance(found, YoloData | SpecError)


def test_texts_lie_in_labels_beside_images(tmp_path: Path):
    (tmp_path / "train/labels").mkdir(parents=True)
    (tmp_path / "train/labels/a.txt").write_text("0 .5 .5 1 1")
    (tmp_path / "data.yaml").write_text("names: [spot]\ntrain: train/images\n")
    reader = YoloFolder(tmp_path, None)
    said = reader.read("train/images/a.jpg")
    assert said is not None
    assert [each.label for each in objects_of(said)] == ["spot"]
    assert reader.split_of("train/images/a.jpg") == "train"
    assert {"train/labels/a.txt", "data.yaml"} <= set(reader.files_of("train/images/a.jpg"))


def test_texts_without_names_of_classes_are_told(tmp_path: Path):
    (tmp_path / "a.txt").write_text("0 .5 .5 1 1")
    said = YoloFolder(tmp_path, None).read("a.jpg")
    assert said is not None
    assert said.objects is None
    assert "data.yaml" in said.faults[0].detail
