"""Pascal VOC: what is written comes back; what is broken is named."""

from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vision_assets.vision.formats.annotations.file_text import Unusable
from vision_assets.vision.formats.annotations.said import Kind, Said
from vision_assets.vision.formats.annotations.voc import read_voc
from vision_assets.vision.formats.annotations.voc_folder import VocFolder
from vision_assets_tests.vision.formats.annotations.said_things import (
    BOXES,
    NAMES,
    mutations,
    objects_of,
    read_or_refusal,
)

BOMB = b"""<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>
<annotation><object><name>&y;</name></object></annotation>"""


def voc(objects: list[tuple[str, tuple[float, ...]]], extra: str = "") -> bytes:
    return "".join(
        [
            "<annotation><size><width>640</width><height>480</height></size>",
            *(
                f"<object><name>{escape(label)}</name>{extra}<bndbox><xmin>{b[0]!r}</xmin>"
                f"<ymin>{b[1]!r}</ymin><xmax>{b[2]!r}</xmax><ymax>{b[3]!r}</ymax></bndbox></object>"
                for label, b in objects
            ),
            "</annotation>",
        ]
    ).encode()


@given(st.lists(st.tuples(NAMES, BOXES), max_size=5))
def test_objects_come_back_as_they_were_written(objects: list):
    said = read_voc(voc(objects), "a.xml")
    assert said.objects is not None
    assert [(each.label, each.box) for each in said.objects] == objects
    assert [each.index for each in said.objects] == list(range(1, len(objects) + 1))
    assert (said.size, said.faults) == ((640, 480), ())


def test_pixels_that_are_counted_from_one_become_edges():
    (each,) = objects_of(read_voc(voc([("spot", (1, 1, 10, 1))]), "a.xml", first_pixel=1))
    assert each.box == (0, 0, 10, 1)


def test_lists_of_splits_name_images_whole_with_or_without_a_flag(tmp_path: Path):
    (tmp_path / "ImageSets/Main").mkdir(parents=True)
    (tmp_path / "ImageSets/Main/train.txt").write_text("left side 1\nb\r\n\n")
    (tmp_path / "ImageSets/Main/test.txt").write_text("c  -1\nd  1\n")
    folder = VocFolder(tmp_path, None, 0)
    splits = {name: folder.split_of(f"JPEGImages/{name}.jpg") for name in ("left side 1", *"bcde")}
    assert splits == {"left side 1": "train", "b": "train", "c": "test", "d": "test", "e": None}


def test_a_difficult_object_is_marked():
    (each,) = objects_of(read_voc(voc([("spot", (1, 1, 9, 9))], "<difficult>1</difficult>"), ""))
    assert each.marks == (Kind.DIFFICULT,)


def test_an_entity_bomb_is_refused():
    with pytest.raises(Unusable, match="without a DTD"):
        read_voc(BOMB, "a.xml")


def test_a_file_that_was_cut_off_is_refused():
    with pytest.raises(Unusable, match="whole XML") as refusal:
        read_voc(voc([("spot", (1, 1, 9, 9))])[:-20], "a.xml")
    assert refusal.value.kind is Kind.DAMAGED


@pytest.mark.parametrize("number", ["nan", "inf", "1e999", "x", ""])
def test_numbers_that_are_none_are_named_by_object(number: str):
    data = voc([("spot", (1, 2, 3, 4)), ("spot", (1, 2, 3, 4))]).replace(
        b"3<", f"{number}<".encode(), 1
    )
    said = read_voc(data, "a.xml")
    assert [(fault.kind, fault.index) for fault in said.faults] == [(Kind.BAD_OBJECT, 1)]
    assert len(objects_of(said)) == 1


@given(mutations(voc([("spot", (1, 2, 3, 4)), ("scratch", (5, 6, 7, 8))], "<pose>x</pose>")))
def test_no_bytes_break_the_reader(data: bytes):
    assert isinstance(read_or_refusal(lambda: read_voc(data, "a.xml")), Said | Unusable)
