"""Masks move with their images; rare classes and views with objects get their share."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vision_assets.vision.tasks.segmentation.objective import (
    augment_pair,
    class_weights,
    dice_loss,
    mean_iou,
    objective,
    pixel_confusion,
    view_chances,
)
from vision_assets.vision.tasks.segmentation.spec import SegmentationRecipe

COUNTS = np.array([[100, 0, 0]] * 8 + [[90, 10, 0]] * 3 + [[60, 0, 40]])


def logits_of(maps: torch.Tensor, k: int, sure: float = 50.0) -> torch.Tensor:
    return torch.nn.functional.one_hot(maps, k).permute(0, 3, 1, 2).float() * sure


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(["light", "upright", "surface", "colour"]),
    st.integers(0, 1000),
    st.sampled_from([(48, 48), (48, 64)]),
)
def test_mask_and_image_move_together(how: str, seed: int, size: tuple[int, int]):
    maps = torch.zeros(4, *size, dtype=torch.uint8)
    maps[:, 8:30, 12:40] = 1
    images = maps[:, None].float().expand(-1, 3, -1, -1) * 200 + 20
    generator = torch.Generator().manual_seed(seed)
    moved, moved_maps = augment_pair(images, maps, how, generator)
    level = moved.mean(1)
    middle = (level.amax((1, 2)) + level.amin((1, 2))) / 2
    bright = level > middle[:, None, None]
    agree = (bright & (moved_maps == 1)).sum() / (bright | (moved_maps == 1)).sum()
    assert agree > 0.95
    assert moved_maps.dtype == torch.uint8
    assert set(moved_maps.unique().tolist()) <= {0, 1}


def test_without_augmentation_nothing_moves():
    images, maps = torch.rand(2, 3, 8, 8), torch.ones(2, 8, 8, dtype=torch.uint8)
    same_images, same_maps = augment_pair(images, maps, "none", torch.Generator())
    assert torch.equal(images, same_images)
    assert torch.equal(maps, same_maps)


def test_half_of_the_views_that_are_drawn_show_an_object():
    chances = view_chances(COUNTS, 0.5)
    assert chances is not None
    with_object = torch.from_numpy(COUNTS[:, 1:].sum(1) > 0)
    assert float(chances[with_object].sum()) == pytest.approx(0.5)
    assert float(chances.sum()) == pytest.approx(1)
    assert chances[-1] == pytest.approx(float(chances[8]) * 3**0.5), "rarer by three"


def test_views_with_objects_are_not_made_rarer():
    counts = np.array([[10, 0]] + [[5, 5]] * 9)
    chances = view_chances(counts, 0.5)
    assert chances is not None
    assert float(chances[1:].sum()) == pytest.approx(0.9)


@pytest.mark.parametrize("counts", [COUNTS[:8], COUNTS[8:]])
def test_views_that_are_all_alike_are_shown_once_each(counts: np.ndarray):
    assert view_chances(counts, 0.5) is None


def test_views_are_shown_once_each_where_nothing_else_is_said():
    assert view_chances(COUNTS, None) is None


def test_rare_classes_weigh_more_within_bounds():
    counts = np.array([[1_000_000, 10_000, 1, 0]])
    assert class_weights(counts, 0.5).tolist() == [1, 10, 10, 1]
    assert class_weights(counts, 0).tolist() == [1, 1, 1, 1]


def test_dice_is_nothing_for_a_right_answer_and_one_for_a_wrong_one():
    maps = torch.zeros(2, 32, 32, dtype=torch.int64)
    maps[:, 4:20, 4:20] = 1
    assert float(dice_loss(logits_of(maps, 3), maps)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(logits_of(1 - maps, 3), maps)) > 0.99


def test_dice_has_a_gradient_of_nothing_where_a_batch_shows_no_object():
    logits = torch.rand(2, 3, 8, 8, requires_grad=True)
    loss = dice_loss(logits, torch.zeros(2, 8, 8, dtype=torch.int64))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_dice_counts_the_pixels_of_all_views_together():
    maps = torch.zeros(2, 32, 32, dtype=torch.int64)
    maps[0, :12], maps[1, :4] = 1, 1
    missed = maps.clone()
    missed[1] = 0
    expected = 1 - 2 * 12 / (12 + 12 + 4)
    assert dice_loss(logits_of(missed, 3), maps).item() == pytest.approx(expected, abs=0.01)


def test_what_is_said_of_a_view_without_an_object_counts_against_dice():
    maps = torch.zeros(2, 32, 32, dtype=torch.int64)
    maps[0, :8] = 1
    alarm = maps.clone()
    alarm[1, :8] = 1
    assert dice_loss(logits_of(alarm, 3), maps).item() == pytest.approx(1 / 3, abs=0.01)


def test_the_loss_falls_with_the_right_answer():
    maps = torch.zeros(2, 16, 16, dtype=torch.uint8)
    maps[:, :8] = 1
    aim = objective(SegmentationRecipe(), COUNTS)
    right = aim.loss(logits_of(maps.long(), 3, 5.0), maps)
    assert right < aim.loss(torch.zeros(2, 3, 16, 16), maps)


def test_the_iou_counts_the_pixels_of_all_views_together():
    maps = torch.zeros(3, 4, 4, dtype=torch.uint8)
    maps[0, :2] = 1
    said = maps.long().clone()
    said[0, 1] = 0
    said[1, 0] = 1
    notes = [pixel_confusion(logits_of(said[n], 3), maps[n]) for n in (slice(2), slice(2, 3))]
    assert mean_iou(notes)["mean_iou"] == pytest.approx(4 / 12)


def test_views_without_an_object_have_no_iou():
    maps = torch.zeros(3, 4, 4, dtype=torch.uint8)
    assert mean_iou([pixel_confusion(logits_of(maps.long(), 3), maps)]) == {}
