"""Masks: pixels come back; values that mean nothing, and files that are none, are named."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from PIL import Image

from vision_assets.vision.formats.annotations import mask as mask_module
from vision_assets.vision.formats.annotations.file_text import Unusable
from vision_assets.vision.formats.annotations.mask import read_mask
from vision_assets.vision.formats.annotations.mask_folder import MaskFolder, is_mask
from vision_assets.vision.formats.annotations.mvtec_folder import MvtecFolder
from vision_assets.vision.formats.annotations.said import Kind, Said
from vision_assets.vision.inference.geometry.rle import decode
from vision_assets.vision.spec import MaskSpec, SourceSpec
from vision_assets_tests.drawing import draw_mask, encode
from vision_assets_tests.vision.formats.annotations.said_things import (
    mutations,
    objects_of,
    read_or_refusal,
)

BINARY = MaskSpec()
INDEX = MaskSpec.model_validate({"kind": "index", "classes": {1: "scratch", 2: "spot"}})
COLOUR = MaskSpec.model_validate({"kind": "colour", "classes": {"#FF0000": "scratch"}})


def png(pixels: np.ndarray) -> bytes:
    return encode(pixels, "PNG")


def pixels_of(said: Said) -> dict[str, np.ndarray]:
    """Mask by class."""
    found: dict[str, np.ndarray] = {}
    for each in objects_of(said):
        assert each.mask is not None
        found[each.label] = found.get(each.label, False) | decode(each.mask)
    return found


@given(nps.arrays(np.uint8, st.tuples(*[st.integers(1, 12)] * 2), elements=st.integers(0, 2)))
def test_an_index_mask_comes_back(values: np.ndarray):
    found = pixels_of(read_mask(png(values), "a.png", INDEX))
    for value, label in ((1, "scratch"), (2, "spot")):
        assert np.array_equal(found.get(label, np.zeros(values.shape, bool)), values == value)


@settings(deadline=None)  # the first call imports scipy
@given(nps.arrays(bool, st.tuples(*[st.integers(1, 12)] * 2)))
def test_connected_regions_are_objects_that_together_are_the_mask(light: np.ndarray):
    apart = BINARY.model_copy(update={"instances": True})
    said = read_mask(png(light.astype(np.uint8) * 255), "a.png", apart, "spot")
    assert np.array_equal(pixels_of(said).get("spot", np.zeros(light.shape, bool)), light)


def test_two_regions_are_two_objects():
    light = np.zeros((8, 20), np.uint8)
    light[1:3, 2:5] = light[4:8, 10:20] = 255
    apart = BINARY.model_copy(update={"instances": True})
    said = read_mask(png(light), "a.png", apart, "spot")
    assert [each.box for each in objects_of(said)] == [(2, 1, 5, 3), (10, 4, 20, 8)]


def test_values_that_a_lossy_step_left_are_decided_by_the_threshold():
    values = np.array([[0, 3, 127], [128, 250, 255]], np.uint8)
    found = pixels_of(read_mask(png(values), "a.png", BINARY, "spot"))["spot"]
    assert np.array_equal(found, values >= 128)


def test_a_mask_of_16_bits_keeps_its_values():
    spec = MaskSpec.model_validate({"kind": "index", "classes": {1000: "spot"}})
    found = pixels_of(read_mask(png(np.array([[0, 1000]], np.uint16)), "a.png", spec))
    assert np.array_equal(found["spot"], [[False, True]])


def test_a_palette_is_read_by_its_indices():
    image = Image.fromarray(np.array([[0, 1], [2, 0]], np.uint8))
    image.putpalette([0, 0, 0, 9, 9, 9, 200, 200, 200])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    assert set(pixels_of(read_mask(buffer.getvalue(), "a.png", INDEX))) == {"scratch", "spot"}


def test_colours_are_classes():
    values = np.zeros((2, 2, 3), np.uint8)
    values[0, 1] = (255, 0, 0)
    found = pixels_of(read_mask(png(values), "a.png", COLOUR))
    assert np.array_equal(found["scratch"], [[False, True], [False, False]])


def test_values_that_mean_nothing_are_named():
    said = read_mask(png(np.array([[0, 1, 7]], np.uint8)), "a.png", INDEX)
    assert [fault.kind for fault in said.faults] == [Kind.BAD_OBJECT]
    assert "got 7 in 1 pixels" in said.faults[0].detail


def test_a_binary_mask_of_no_known_class_is_told():
    said = read_mask(png(np.full((2, 2), 255, np.uint8)), "a.png", BINARY, None)
    assert "folder" in said.faults[0].detail


def test_a_mask_of_too_many_pixels_is_not_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mask_module, "MAX_PIXELS", 15)
    with pytest.raises(Unusable) as refusal:
        read_mask(png(np.zeros((4, 4), np.uint8)), "a.png", BINARY)
    assert refusal.value.kind is Kind.TOO_LARGE


@settings(deadline=2000)  # the first call imports decoders
@given(mutations(png(draw_mask(0, "spot", 16).astype(np.uint8) * 255)))
def test_no_bytes_break_the_reader(data: bytes):
    found = read_or_refusal(lambda: read_mask(data, "a.png", BINARY, "spot"))
    assert isinstance(found, Said | Unusable)


def source(**said: object) -> SourceSpec:
    return SourceSpec.model_validate({"landing": "x", "label": "masks", **said})


@pytest.mark.parametrize(
    ("spec", "image", "mask"),
    [
        (source(masks={"extension": ".png"}), "MT_Crack/Imgs/a.jpg", "MT_Crack/Imgs/a.png"),
        (source(), "images/a.png", "masks/a.png"),
        (source(annotations="truth"), "train/spot/a.png", "truth/train/spot/a.png"),
        (source(masks={"suffix": "_mask"}), "spot/a.png", "spot/a_mask.png"),
    ],
)
def test_a_mask_is_found_and_is_no_image(spec: SourceSpec, image: str, mask: str, tmp_path: Path):
    (tmp_path / mask).parent.mkdir(parents=True)
    (tmp_path / mask).write_bytes(png(np.full((2, 2), 255, np.uint8)))
    said = MaskFolder(tmp_path, spec, lambda path: "spot").read(image)
    assert said is not None
    assert said.file == mask
    assert (is_mask(spec, mask), is_mask(spec, image)) == (True, False)


def test_mvtecs_layout_is_read(tmp_path: Path):
    (tmp_path / "bottle/ground_truth/broken").mkdir(parents=True)
    mask = png(np.full((2, 2), 255, np.uint8))
    (tmp_path / "bottle/ground_truth/broken/000_mask.png").write_bytes(mask)
    reader = MvtecFolder(tmp_path, MaskSpec())
    broken = reader.read("bottle/test/broken/000.png")
    good = reader.read("bottle/train/good/000.png")
    assert broken is not None
    assert good is not None
    assert [each.label for each in objects_of(broken)] == ["broken"]
    assert good.objects == ()
    assert reader.read("bottle/test/broken/001.png") is None
