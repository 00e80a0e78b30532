"""Boxes follow the pixels: painted squares lie in their boxes after any change of an image."""

import pytest
import torch

from vision_assets.vision.tasks.detection.augment import augment
from vision_assets.vision.tasks.detection.targets import BoxTargets, ViewObjects

SIDE_PX = 96
BOX = torch.tensor([[0.25, 0.375, 0.5, 0.5]])


def painted(box: torch.Tensor) -> torch.Tensor:
    image = torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    left, top, right, bottom = (box[0] * SIDE_PX).round().int().tolist()
    image[:, :, top:bottom, left:right] = 255
    return image


def bright_box(image: torch.Tensor) -> torch.Tensor:
    bright = image[0] > (image.amax() + image.amin()) / 2
    rows, columns = torch.where(bright.any(1))[0], torch.where(bright.any(0))[0]
    ends = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
    return torch.stack(ends) / SIDE_PX


def changed(box: torch.Tensor, how: str, seed: int) -> tuple[torch.Tensor, ViewObjects]:
    views = BoxTargets([ViewObjects(box, torch.tensor([7]))])
    generator = torch.Generator().manual_seed(seed)
    images, targets = augment(painted(box), views, how, generator)
    return images[0], targets[0]


@pytest.mark.parametrize("how", ["none", "light", "upright", "surface", "colour"])
@pytest.mark.parametrize("seed", range(25))
def test_a_box_follows_its_pixels(how: str, seed: int):
    image, objects = changed(BOX, how, seed)
    assert objects.classes.tolist() == [7]
    assert torch.allclose(objects.boxes[0], bright_box(image), atol=1.5 / SIDE_PX)


@pytest.mark.parametrize("seed", range(25))
def test_a_box_at_the_border_reaches_as_far_as_its_mirror_image(seed: int):
    image, objects = changed(torch.tensor([[0.0, 0.25, 0.5, 0.75]]), "surface", seed)
    assert torch.allclose(objects.boxes[0], bright_box(image), atol=1.5 / SIDE_PX)


@pytest.mark.parametrize("seed", range(25))
def test_boxes_stay_inside_and_classes_stay_with_them(seed: int):
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(20, 2, 2, generator=generator).sort(1).values
    views = BoxTargets([ViewObjects(corners.flatten(1), torch.arange(20))])
    _, (objects,) = augment(torch.zeros(1, 3, 32, 32), views, "surface", generator)
    assert len(objects.boxes) == len(objects.classes)
    assert objects.boxes.min() >= 0
    assert objects.boxes.max() <= 1
    assert (objects.boxes[:, 2:] > objects.boxes[:, :2]).all()


def test_an_object_near_the_border_is_seen_again_in_the_mirror():
    seen = [
        len(changed(torch.tensor([[0.01, 0.4, 0.06, 0.6]]), "surface", n)[1]) for n in range(40)
    ]
    assert max(seen) == 2


def test_an_image_without_objects_stays_without():
    views = BoxTargets([ViewObjects(torch.empty(0, 4), torch.empty(0, dtype=torch.int64))])
    _, (objects,) = augment(torch.zeros(1, 3, 32, 32), views, "surface", torch.Generator())
    assert len(objects) == 0


def test_the_same_seed_moves_boxes_alike():
    assert torch.equal(changed(BOX, "surface", 3)[1].boxes, changed(BOX, "surface", 3)[1].boxes)
