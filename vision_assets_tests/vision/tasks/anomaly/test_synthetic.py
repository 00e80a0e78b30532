"""Defects painted onto normal images."""

import torch

from vision_assets.vision.tasks.anomaly.places import draw_places
from vision_assets.vision.tasks.anomaly.synthetic import ground_of, paint_defects, strength_of


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 24) -> torch.Tensor:
    return torch.rand(n, 3, 48, 64, generator=generator(9)) * 40 + 100


def test_the_mask_says_where_defects_were_painted():
    painted, mask = paint_defects(images(), generator())
    changed = (painted - images()).abs().amax(1)
    assert mask.shape == (24, 48, 64)
    assert changed[mask == 1].mean() > 50 * changed[mask == 0].mean()
    assert changed[mask.amax((1, 2)) == 0].max() == 0


def test_what_cannot_be_seen_is_not_painted():
    flat = torch.full((24, 3, 48, 48), 100.0)
    painted, mask = paint_defects(flat, generator(1))
    same = (painted == flat).all(3).all(2).all(1)
    assert torch.equal(same, mask.amax((1, 2)) == 0)


def test_the_contrast_goes_by_the_grain_of_the_image():
    coarse, fine = (torch.rand(64, 3, 48, 48, generator=generator(9)) * g + 100 for g in (60, 6))
    of_coarse, of_fine = (
        (paint_defects(each, generator())[0] - each).abs().amax() for each in (coarse, fine)
    )
    assert of_fine < of_coarse / 2


def test_the_ground_has_the_light_and_not_the_grain():
    light = torch.linspace(50, 150, 96).expand(2, 3, 96, 96)
    grain = torch.randn(2, 3, 96, 96, generator=generator()) * 8
    assert (ground_of(light + grain) - light)[:, :, 8:-8, 8:-8].abs().mean() < 2
    assert 5 < strength_of(light + grain - ground_of(light + grain))[0] < 8


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
    assert areas.max() > 0.3
