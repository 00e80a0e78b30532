"""Defects painted onto normal images."""

import torch

from vision_assets.vision.tasks.anomaly.synthetic import draw_places, paint_defects


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 24) -> torch.Tensor:
    return torch.rand(n, 3, 48, 64, generator=generator(9)) * 40 + 100


def test_the_mask_says_which_pixels_were_changed():
    painted, mask = paint_defects(images(), generator())
    changed = (painted - images()).abs().amax(1)
    assert mask.shape == (24, 48, 64)
    assert changed[mask == 0].max() <= 4 < changed[mask == 1].min()


def test_some_images_stay_as_they_are_and_most_do_not():
    painted, _ = paint_defects(images(200), generator())
    same = (painted == images(200)).all((1, 2, 3)).float().mean()
    assert 0.15 < same < 0.5


def test_levels_stay_in_their_range():
    painted, _ = paint_defects(images() * 1.8 - 20, generator())
    assert painted.max() <= 255
    assert painted[:, :, 0, 0].min() >= -20


def test_the_same_seed_paints_the_same():
    assert torch.equal(
        paint_defects(images(), generator(3))[0], paint_defects(images(), generator(3))[0]
    )


def test_places_are_from_specks_to_large_parts():
    areas = draw_places(300, 64, 64, generator()).mean((1, 2))
    assert areas.min() < 0.005
    assert areas.max() > 0.1
