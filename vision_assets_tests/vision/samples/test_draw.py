"""What is known of a drawn picture is true of its pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.inference.decode import decode, read_header
from vision_assets.vision.samples.draw import LABELS, LINES, OK, draw, to_jpeg
from vision_assets.vision.samples.light import CAMERAS

DEFECTS = [label for label in LABELS if label != OK]
seeds = st.integers(0, 2**32 - 1)
drawn = settings(max_examples=12, deadline=None)


@drawn
@given(seed=seeds, label=st.sampled_from(DEFECTS))
def test_the_mask_touches_every_side_of_every_box(seed, label):
    sample = draw(seed, label)
    for box in sample.boxes:
        inside = sample.mask[box.y_min : box.y_max, box.x_min : box.x_max]
        sides = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
        assert all(side.any() for side in sides)


@drawn
@given(seed=seeds, label=st.sampled_from(LABELS))
def test_the_mask_lies_inside_the_boxes(seed, label):
    sample = draw(seed, label)
    covered = np.zeros_like(sample.mask)
    for box in sample.boxes:
        covered[box.y_min : box.y_max, box.x_min : box.x_max] = True
    assert not (sample.mask & ~covered).any()
    assert bool(sample.boxes) == (label != OK)


@drawn
@given(seed=seeds, label=st.sampled_from(LABELS))
def test_the_same_seed_gives_the_same_bytes(seed, label):
    assert to_jpeg(draw(seed, label)) == to_jpeg(draw(seed, label))


@pytest.mark.parametrize("label", DEFECTS)
def test_a_defect_differs_from_its_surroundings(label):
    contrasts = [_contrast(draw(seed, label)) for seed in range(8)]
    assert min(contrasts) > 3


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("camera", CAMERAS)
def test_a_picture_is_neither_dark_nor_blown_out(line, camera):
    pixels = draw(7, OK, line=line, camera=camera).pixels
    assert 60 < pixels.mean() < 200
    assert (pixels == 255).mean() < 0.02


def test_other_seeds_give_other_pictures():
    first, second = draw(1, OK, line="L1"), draw(2, OK, line="L1")
    assert np.abs(first.pixels.astype(int) - second.pixels).mean() > 2


def test_a_grey_camera_sends_one_channel():
    assert read_header(to_jpeg(draw(0, OK, camera="B"))).mode == "L"
    assert read_header(to_jpeg(draw(0, OK, camera="A"))).mode == "RGB"


def test_a_jpeg_holds_the_drawn_pixels():
    sample = draw(5, "stain")
    assert np.abs(decode(to_jpeg(sample)).astype(int) - sample.pixels).mean() < 4


def _contrast(sample) -> float:
    """Mean difference between the defect and the ring around it, in grey levels."""
    grey = sample.pixels.mean(axis=2)
    deviation = np.abs(grey - np.median(grey[~sample.mask]))
    near = np.zeros_like(sample.mask)
    for box in sample.boxes:
        near[max(0, box.y_min - 4) : box.y_max + 4, max(0, box.x_min - 4) : box.x_max + 4] = True
    ring = grey[near & ~sample.mask]
    return (
        float(np.abs(grey[sample.mask] - np.median(ring)).mean()) if ring.size else deviation.max()
    )
