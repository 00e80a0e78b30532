"""Augmentation changes images, not what they mean."""

import pytest
import torch

from vision_assets.vision.training.augment import augment, draw_flips, draw_moves, recolour, warp

HOW = ("light", "upright", "surface", "colour")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.randint(0, 256, (16, 3, 24, 24), generator=generator()).float()


def test_none_changes_nothing(images: torch.Tensor):
    assert torch.equal(augment(images, "none", generator()), images)


@pytest.mark.parametrize("how", HOW)
def test_a_seed_decides_every_change(images: torch.Tensor, how: str):
    assert torch.equal(augment(images, how, generator(1)), augment(images, how, generator(1)))
    assert not torch.equal(augment(images, how, generator(1)), augment(images, how, generator(2)))


@pytest.mark.parametrize("how", HOW)
def test_grey_levels_stay_in_their_range(images: torch.Tensor, how: str):
    changed = augment(images, how, generator())
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_flips_move_pixels_without_changing_them(images: torch.Tensor):
    flipped = augment(images, "light", generator())
    for before, after in zip(images, flipped, strict=True):
        ways = [before, before.flip(1), before.flip(2), before.flip(1, 2)]
        assert min((after - way).abs().max() for way in ways) < 0.01


def test_quarter_turns_move_pixels_without_changing_them(images: torch.Tensor):
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).expand(16, 3, 3)
    turned = warp(images, turn)
    ways = [images.rot90(k, (2, 3)) for k in (1, 3)]
    assert min((turned - way).abs().max() for way in ways) < 0.01


def test_images_that_are_not_square_are_not_turned():
    assert (draw_moves(64, False, generator())[:, 0, 1] == 0).all()
    assert (draw_moves(64, True, generator())[:, 0, 1] != 0).any()


def test_all_four_flips_occur():
    signs = draw_flips(64, generator()).diagonal(dim1=1, dim2=2)[:, :2]
    assert len(signs.unique(dim=0)) == 4


def test_upright_parts_are_neither_flipped_nor_turned():
    """A bright corner stays the brightest one."""
    images = torch.zeros(64, 3, 24, 24)
    images[:, :, :12, :12] = 200
    changed = augment(images, "upright", generator()).mean(1)
    corners = torch.stack([changed[:, y, x] for y in (4, -5) for x in (4, -5)], 1)
    assert (corners.argmax(1) == 0).all()


def test_colours_change_and_their_channels_do_not_move(images: torch.Tensor):
    changed = recolour(images, generator())
    balance = changed.mean((2, 3)) / images.mean((2, 3))
    assert (balance.max(1).values - balance.min(1).values).max() > 0.05
    assert balance.min() > 0.8
    assert balance.max() < 1.2
