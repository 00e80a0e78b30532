"""What is said of an image, held against it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vision_assets.vision.formats.annotations.check import Checked, check
from vision_assets.vision.formats.annotations.outlines import inside
from vision_assets.vision.formats.annotations.said import Fault, Kind, Said, SaidObject
from vision_assets.vision.formats.annotations.upright import Frame, to_upright
from vision_assets.vision.inference.decode import UPRIGHT
from vision_assets.vision.inference.geometry.rle import decode, encode
from vision_assets.vision.objects import fill, outline_box
from vision_assets.vision.spec import AnnotationErrors, ClassSpec
from vision_assets_tests.drawing import draw_mask

CLASSES = {name: ClassSpec(id=at, name=name) for at, name in enumerate(["good", "spot"])}


def checked(*objects: SaidObject, label: str | None = None, **policy: Any) -> Checked:
    said = Said("a.xml", objects, size=(100, 50))
    return check(said, Frame((100, 50)), CLASSES, AnnotationErrors.model_validate(policy), label)


def box(*edges: float, label: str = "spot", **more: Any) -> SaidObject:
    left, top, right, bottom = edges
    return SaidObject(label, (left, top, right, bottom), **more)


SOUND = box(1, 2, 10, 20)
WRONG = {
    "no_area": box(5, 5, 5, 9, index=2),
    "outside": box(90, 40, 110, 60, index=2),
    "wholly_outside": box(200, 40, 210, 60, index=2),
    "unknown_class": box(1, 2, 3, 4, label="dent", index=2),
    "crowd": box(1, 2, 3, 4, index=2, marks=(Kind.CROWD,)),
    "difficult": box(1, 2, 3, 4, index=2, marks=(Kind.DIFFICULT,)),
    "duplicate_id": box(1, 2, 3, 4, index=2, marks=(Kind.DUPLICATE_ID,)),
    "another_size": box(1, 2, 3, 4, index=2, mask=encode(np.ones((9, 9), bool))),
}


def test_a_sound_object_is_taken_as_it_is():
    found = checked(SOUND)
    assert [each.box for each in found.objects or ()] == [(1, 2, 10, 20)]
    assert found.faults == ()


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_dropped_and_named_by_file_and_object(kind: str):
    found = checked(SOUND, WRONG[kind], **{kind: "drop"})
    assert len(found.objects or ()) == 1
    (fault,) = found.faults
    assert (fault.kind, fault.file, fault.index) == (kind, "a.xml", 2)
    assert fault.done == "the object was left out"


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_refuses_the_image_where_the_policy_says_so(kind: str):
    assert [fault.kind for fault in checked(SOUND, WRONG[kind], **{kind: "refuse"}).refused] == [
        kind
    ]


def test_an_object_is_cut_at_the_border_with_its_outline():
    found = checked(box(90, 40, 110, 60, polygons=((90, 40, 110, 40, 110, 60),)))
    assert found.objects is not None
    (each,) = list(found.objects)
    assert (each.box, each.polygons) == ((90, 40, 100, 50), ((90, 40, 100, 40, 100, 50),))
    assert found.faults[0].done == "cut at the border"


TRIANGLE = (20.0, 20.0, 60.0, 20.0, 20.0, 40.0)


def test_an_outline_that_leaves_the_picture_is_cut_where_its_box_does_not():
    found = checked(box(20, 20, 60, 40, polygons=((20, 20, 500, 20, 20, 400),)))
    (fault,) = found.faults
    assert (fault.kind, fault.index) == (Kind.OUTSIDE, 1)
    assert fault.detail == "expected an outline inside of 100 x 50 px, got (20, 20, 500, 400)"
    (each,) = list(found.objects or ())
    assert outline_box(each.polygons) == (20, 20, 100, 50)
    assert each.box == (20, 20, 60, 40)
    assert each.covered_px == 80 * 30


@pytest.mark.parametrize("action", ["drop", "refuse"])
def test_an_outline_outside_is_left_out_or_refused_as_a_box_is(action: str):
    found = checked(box(20, 20, 60, 40, polygons=((20, 20, 500, 20, 20, 400),)), outside=action)
    assert (found.objects, len(found.refused)) == ((), int(action == "refuse"))


def test_an_outline_wholly_outside_is_none_of_the_image():
    found = checked(box(20, 20, 60, 40, polygons=((120, 20, 160, 20, 120, 40),)))
    assert (found.objects, [fault.kind for fault in found.faults]) == ((), [Kind.WHOLLY_OUTSIDE])
    assert "an outline" in found.faults[0].detail


@pytest.mark.parametrize(
    "line", [(20, 20, 40, 30, 60, 40), (20.00004, 20, 40, 30, 60, 40), (5,) * 6]
)
def test_an_outline_on_a_line_has_no_area(line: tuple[float, ...]):
    found = checked(box(20, 20, 60, 40, polygons=(line,)))
    assert (found.objects, [fault.kind for fault in found.faults]) == ((), [Kind.NO_AREA])


def test_a_figure_of_eight_and_a_piece_beside_a_line_have_an_area():
    eight, line = (
        (20.0, 20.0, 60.0, 40.0, 60.0, 20.0, 20.0, 40.0),
        (20.0, 20.0, 40.0, 30.0, 60.0, 40.0),
    )
    found = checked(
        box(20, 20, 60, 40, polygons=(eight,)), box(20, 20, 60, 40, polygons=(line, TRIANGLE))
    )
    assert found.faults == ()
    assert [each.polygons for each in found.objects or ()] == [(eight,), (line, TRIANGLE)]


@given(st.lists(st.floats(-200, 300), min_size=6, max_size=6))
@example([0.0, 0.0, 4.0, 4.0, 1e-06, 0.0])
def test_what_is_cut_covers_the_pixels_that_it_covered(polygon: list[float]):
    """But for pixels whose centres are nearer to the outline than anybody can draw."""

    def uncut(right: float, down: float) -> np.ndarray:
        moved = np.reshape(polygon, (-1, 2)) + (400 + right, 400 + down)
        return fill([tuple(moved.ravel())], 1000, 1000)[400:450, 400:500]

    whole = uncut(0, 0)
    nudged = [uncut(*by) for by in ((0.001, 0), (-0.001, 0), (0, 0.001), (0, -0.001))]
    sure = np.all([each == whole for each in nudged], axis=0)
    found = fill(inside([tuple(polygon)], 100, 50), 50, 100)
    assert np.array_equal(found[sure], whole[sure])


def test_rounding_of_shares_is_no_deviation():
    found = checked(box(-0.01, 0, 100.02, 50))
    assert ([each.box for each in found.objects or ()], found.faults) == ([(0, 0, 100, 50)], ())


def test_a_defect_without_an_object_keeps_its_label_alone():
    found = checked(label="spot")
    assert (found.objects, [fault.kind for fault in found.faults]) == (None, [Kind.NO_OBJECT])
    assert checked(label="spot", no_object="keep").objects == ()
    assert checked(label="good") == Checked((), ())


def test_a_file_for_another_picture_says_nothing():
    said = Said("a.xml", (SOUND,), size=(30, 40))
    found = check(said, Frame((100, 50)), CLASSES, AnnotationErrors())
    assert (found.objects, found.faults[0].kind) == (None, Kind.ANOTHER_SIZE)


def test_an_image_that_nothing_speaks_of_shows_nothing_where_the_policy_says_so():
    said = Said("a.jpg", faults=(Fault(Kind.MISSING_ANNOTATION, "a.jpg", "none"),))
    policy = AnnotationErrors(missing_annotation="nothing")
    assert check(said, Frame((100, 50)), CLASSES, policy) == Checked((), ())
    assert check(said, Frame((100, 50)), CLASSES, AnnotationErrors()).objects is None


@pytest.mark.parametrize("orientation", UPRIGHT)
def test_what_was_annotated_on_the_raster_is_turned_with_it(orientation: int):
    mask = draw_mask(0, "spot")[:, :20]
    rows, columns = np.nonzero(mask)
    edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    width, height = (20, 32) if orientation < 5 else (32, 20)
    said = Said("a", (box(*map(float, edges), mask=encode(mask)),), size=(20, 32))
    frame = Frame((width, height), orientation)
    if orientation < 5:  # the same size either way: taken as annotated upright
        assert to_upright(said, frame) == said.objects
        return
    found = to_upright(said, frame)
    assert isinstance(found, tuple)
    (each,) = list(found)
    assert each.mask is not None
    turned = decode(each.mask)
    rows, columns = np.nonzero(turned)
    assert each.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert turned.sum() == mask.sum()
