"""What is written is read again: class, box to the pixel, outline, pixels, split, size."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.formats.annotations.check import check
from vision_assets.vision.formats.annotations.open import open_annotations
from vision_assets.vision.formats.annotations.upright import Frame
from vision_assets.vision.formats.writing.annotations import AnnotatedImage, Annotations
from vision_assets.vision.formats.writing.writers import writer
from vision_assets.vision.inference.geometry.rle import encode
from vision_assets.vision.manifest import SPLITS
from vision_assets.vision.objects import AnnotatedObject, outline_box
from vision_assets.vision.spec import AnnotationErrors, ClassSpec, SourceSpec

NAMES = st.text(st.characters(categories=("L", "N", "P", "S"), max_codepoint=0x24F), min_size=1)
SIDES = st.integers(8, 700)


@st.composite
def boxes(draw, width: int, height: int) -> AnnotatedObject:
    left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    right, bottom = draw(st.integers(left + 1, width)), draw(st.integers(top + 1, height))
    return AnnotatedObject(draw(st.integers(0, 2)), (left, top, right, bottom))


@st.composite
def outlines(draw, width: int, height: int) -> AnnotatedObject:
    """A triangle on three sides of a box, so that the box is the one around it."""
    each = draw(boxes(width, height))
    left, top, right, bottom = each.box
    polygon = (left, top, right, top, (left + right) / 2, bottom)
    return AnnotatedObject(each.class_id, outline_box([polygon]), polygons=(polygon,))


@st.composite
def masks(draw, width: int, height: int) -> AnnotatedObject:
    each = draw(boxes(width, height))
    left, top, right, bottom = map(int, each.box)
    pixels = np.zeros((height, width), bool)
    pixels[top:bottom, left:right] = True
    pixels[(top + bottom) // 2, (left + right) // 2] ^= (right - left) * (bottom - top) > 8
    return AnnotatedObject(each.class_id, each.box, mask=encode(pixels))


@st.composite
def annotations(draw, of) -> Annotations:
    """A few images, some without objects, and three classes."""
    names = draw(st.lists(NAMES, min_size=3, max_size=3, unique=True))
    images = []
    for n in range(draw(st.integers(1, 4))):
        width, height = draw(SIDES), draw(SIDES)
        objects = draw(st.lists(of(width, height), max_size=4, unique_by=lambda each: each.box))
        split = draw(st.sampled_from(SPLITS))
        images.append(
            AnnotatedImage(f"{n:064x}.jpg", width, height, split=split, objects=tuple(objects))
        )
    return Annotations(images, tuple(ClassSpec(id=n, name=name) for n, name in enumerate(names)))


def read_again(said: Annotations, format: str) -> Iterator[tuple[AnnotatedImage, AnnotatedImage]]:
    """Each image as it was, and as it is read; nothing of it is faulty."""
    with tempfile.TemporaryDirectory() as folder:
        landing = Path(folder)
        for path, pieces in writer(format).annotation_files(said):
            (landing / path).parent.mkdir(parents=True, exist_ok=True)
            (landing / path).write_text("".join(pieces), encoding="utf-8")
        source = SourceSpec.model_validate({"landing": folder, "label": format})
        reader = open_annotations(source, landing, landing / ".indices")
        assert reader is not None
        classes = {entry.name: entry for entry in said.classes}
        for image in said.images:
            path = writer(format).picture_file(image)
            found, size = reader.read(path), (image.width_px, image.height_px)
            assert found is not None
            checked = check(found, Frame(size), classes, AnnotationErrors())
            assert (checked.faults, found.size or size) == ((), size)
            assert checked.objects is not None
            split = reader.split_of(path)
            yield image, AnnotatedImage(image.name, *size, split=split, objects=checked.objects)


def assert_same(one: AnnotatedImage, other: AnnotatedImage) -> None:
    assert one.split == other.split
    assert [each.class_id for each in one.objects] == [each.class_id for each in other.objects]
    for before, after in zip(one.objects, other.objects, strict=True):
        assert after.box == pytest.approx(before.box, abs=1e-6)
        assert after.mask == before.mask
        for a, b in zip(before.polygons, after.polygons, strict=True):
            assert b == pytest.approx(a, abs=1e-6)


@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
@settings(max_examples=40, deadline=None)
@given(said=annotations(boxes))
def test_boxes_come_back_to_the_pixel(format: str, said: Annotations) -> None:
    assert writer(format).losses(said) == []
    for one, other in read_again(said, format):
        assert_same(one, other)


@pytest.mark.parametrize("format", ["coco", "yolo"])
@settings(max_examples=40, deadline=None)
@given(said=annotations(outlines))
def test_outlines_come_back(format: str, said: Annotations) -> None:
    assert writer(format).losses(said) == []
    for one, other in read_again(said, format):
        assert_same(one, other)


@settings(max_examples=40, deadline=None)
@given(said=annotations(masks))
def test_pixels_come_back_from_coco(said: Annotations) -> None:
    assert writer("coco").losses(said) == []
    for one, other in read_again(said, "coco"):
        assert_same(one, other)


@given(said=annotations(boxes))
@settings(max_examples=40, deadline=None)
def test_names_keep_their_order(said: Annotations) -> None:
    written = {path: "".join(text) for path, text in writer("yolo").annotation_files(said)}
    names = [entry.name for entry in said.classes]
    assert list(yaml.safe_load(written["data.yaml"])["names"].values()) == names
