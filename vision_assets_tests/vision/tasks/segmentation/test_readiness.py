"""Pixels are called an object from where on the mean IoU is highest."""

import pytest
import torch

from vision_assets.vision.tasks.segmentation.calibration import calibrated
from vision_assets.vision.tasks.segmentation.objective import mean_iou, pixel_confusion
from vision_assets.vision.tasks.segmentation.readiness import Readiness


def offset_of(logits: torch.Tensor, maps: torch.Tensor) -> float:
    readiness = Readiness(logits.shape[1])
    for chosen in (slice(0, 1), slice(1, None)):
        readiness.update(logits[chosen], maps[chosen])
    return readiness.offset()


def iou(logits: torch.Tensor, maps: torch.Tensor, offset: float) -> float:
    return mean_iou([pixel_confusion(calibrated(logits, 1.0, offset), maps)])["mean_iou"]


@pytest.fixture
def maps() -> torch.Tensor:
    found = torch.zeros(3, 40, 40, dtype=torch.uint8)
    found[:, 5:20, 8:30], found[0, 25:35, 25:35] = 1, 2
    return found


def unsure(maps: torch.Tensor, bias: float) -> torch.Tensor:
    """Logits that point the right way, with noise, and too little or too much background."""
    noise = torch.randn(3, 3, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.5
    right = torch.nn.functional.one_hot(maps.long(), 3).permute(0, 3, 1, 2) * 1.5
    noise[:, 0] += bias
    return noise + right


@pytest.mark.parametrize("bias", [-2.0, 2.0])
def test_too_much_or_too_little_background_is_put_right(maps: torch.Tensor, bias: float):
    logits = unsure(maps, bias)
    offset = offset_of(logits, maps)
    assert offset == pytest.approx(bias, abs=0.8)
    assert iou(logits, maps, offset) > iou(logits, maps, 0.0) + 0.3


def test_no_other_offset_is_better(maps: torch.Tensor):
    logits = unsure(maps, 1.0)
    best = iou(logits, maps, offset_of(logits, maps))
    assert all(iou(logits, maps, other / 4) <= best + 0.01 for other in range(-15, 16))


def test_what_is_right_already_stays_as_it_is(maps: torch.Tensor):
    sure = torch.nn.functional.one_hot(maps.long(), 3).permute(0, 3, 1, 2) * 50.0 - 25
    assert offset_of(sure, maps) == 0


def test_where_no_object_is_shown_there_is_nothing_to_choose_by(maps: torch.Tensor):
    assert offset_of(unsure(maps, 1.0), torch.zeros_like(maps)) == 0


def test_the_offset_moves_odds_between_objects_and_the_background_alone():
    logits = torch.tensor([0.0, 1.0, 3.0]).reshape(1, 3, 1, 1)
    moved = calibrated(logits, 2.0, 0.7).flatten()
    assert moved[1] - moved[0] == pytest.approx(0.5 + 0.7)
    assert moved[2] - moved[1] == pytest.approx(1.0)
