import io

import numpy as np
from PIL import Image

from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.object_drawing import colour_of, draw_objects, legend, shown_names
from vision_assets.vision.objects import AnnotatedObject
from vision_assets.vision.pictures import contact_sheet
from vision_assets_tests.drawing import draw_jpeg

GREY = Image.new("RGB", (40, 20), (100, 100, 100))
BOX = AnnotatedObject(4, (8, 4, 24, 12))


def drawn(*objects: AnnotatedObject, width_px: int = 40) -> np.ndarray:
    return np.asarray(draw_objects(GREY, objects, width_px))


def test_a_frame_lies_on_the_outermost_pixels_of_its_box():
    changed = (drawn(BOX) != 100).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == BOX.box
    assert not changed[5:11, 9:23].any()
    assert tuple(drawn(BOX)[4, 8]) == colour_of(4)


def test_a_smaller_copy_has_smaller_frames():
    changed = (drawn(BOX, width_px=80) != 100).any(axis=2)
    assert changed.any(1).nonzero()[0].tolist() == [2, 3, 4, 5]


def test_pixels_of_a_mask_are_tinted():
    mask = np.zeros((20, 40), bool)
    mask[5:9, 10:20] = True
    tinted = drawn(AnnotatedObject(4, (8, 4, 24, 12), mask=encode(mask)))
    inside = tinted[6, 12].astype(int)
    assert (inside != 100).any()
    assert (inside != colour_of(4)).any()
    assert (tinted[10, 12] == 100).all()


def test_the_inside_of_an_outline_is_tinted():
    outlined = AnnotatedObject(4, (8, 4, 24, 12), polygons=((8, 4, 24, 4, 24, 12),))
    assert (drawn(outlined)[6, 20] != 100).any()
    assert (drawn(outlined)[10, 10] == 100).all()


def test_a_box_outside_of_the_picture_breaks_nothing():
    assert drawn(AnnotatedObject(1, (90, 90, 95, 95)), AnnotatedObject(1, (-9, -9, 0, 0))).any()


def test_the_legend_has_the_classes_that_are_there():
    names = shown_names([[BOX], []], {3: "pit", 4: "crack"})
    assert names == {4: "crack"}
    assert shown_names([[AnnotatedObject(9, (0, 0, 1, 1))]], {}) == {9: "class 9"}


def test_a_long_legend_takes_several_lines():
    names = {n: f"a rather long name {n}" for n in range(12)}
    assert legend(names, 300).height > 4 * legend({0: "a"}, 300).height
    assert legend({}, 300).height == 0


def test_a_sheet_grows_by_its_legend():
    items = [(draw_jpeg(0, "spot"), "one")]
    plain = Image.open(io.BytesIO(contact_sheet(items)))
    sheet = Image.open(io.BytesIO(contact_sheet(items, objects=[[BOX]], names={4: "crack"})))
    assert sheet.width == plain.width
    assert sheet.height > plain.height
