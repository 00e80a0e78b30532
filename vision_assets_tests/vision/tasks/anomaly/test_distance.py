"""The distance of whole images from normal ones."""

import torch

from vision_assets.vision.tasks.anomaly.distance import NormalDistance
from vision_assets.vision.tasks.anomaly.segmenter import DefectSegmenter


def features(n: int, seed: int) -> torch.Tensor:
    drawn = torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))
    return torch.stack([drawn[:, 0], drawn[:, 0] + 0.1 * drawn[:, 1], 5 * drawn[:, 2]], 1)


def fitted() -> NormalDistance:
    distance = NormalDistance(3)
    distance.fit(features(500, 0))
    return distance


def test_normal_images_are_one_deviation_away():
    assert 0.7 < fitted()(features(500, 1)).mean() < 1.1


def test_what_breaks_a_correlation_is_far_though_each_feature_is_usual():
    usual, strange = torch.tensor([[1.0, 1.0, 0.0], [1.0, -1.0, 0.0]])
    distance = fitted()
    assert distance(strange[None]) > 2 * distance(usual[None])


def test_a_single_normal_image_gives_finite_distances():
    distance = NormalDistance(3)
    distance.fit(features(1, 0))
    assert torch.isfinite(distance(features(5, 1))).all()


def test_before_it_is_fitted_the_map_alone_counts():
    torch.manual_seed(0)
    network = DefectSegmenter().eval()
    images = torch.rand(3, 3, 32, 32) * 255
    with torch.no_grad():
        raw, said = network.look(images)[0], network(images)
    assert torch.allclose(raw - raw.amax(), said - said.amax(), atol=1e-4)
