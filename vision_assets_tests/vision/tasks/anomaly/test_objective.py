"""What the network that finds painted defects is asked for."""

import torch

from vision_assets.vision.tasks.anomaly.objective import objective
from vision_assets.vision.tasks.anomaly.segmenter import DefectSegmenter
from vision_assets.vision.tasks.anomaly.spec import AnomalyRecipe


def test_a_crack_of_one_pixel_is_to_be_found():
    masks = torch.zeros(1, 32, 32)
    masks[0, 5] = 1
    found = torch.full((1, 8, 8), -4.0)
    missed = found.clone()
    found[0, 1] = 4
    loss = objective(AnomalyRecipe()).loss
    assert loss(found, masks) < loss(missed, masks) / 4


def test_the_exposure_of_an_image_does_not_count():
    torch.manual_seed(0)
    network = DefectSegmenter().eval()
    images = torch.rand(2, 3, 48, 48) * 200
    with torch.no_grad():
        assert torch.allclose(network(images), network(images * 0.5 + 40), atol=1e-3)
