"""A bounded choice of points that covers a stream."""

import torch

from vision_assets.vision.tasks.anomaly.coreset import (
    RunningCoreset,
    greedy_centres,
    squared_distances,
)


def points(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(seed))


def test_greedy_centres_are_those_of_the_definition():
    given = points(60)
    rows, radius = greedy_centres(given, 7)
    chosen = [0]
    for _ in range(6):
        chosen.append(int(torch.cdist(given, given[chosen]).amin(1).argmax()))
    assert rows.tolist() == chosen
    assert abs(radius - float(torch.cdist(given, given[chosen]).amin(1).max()) ** 2) < 1e-4


def test_few_points_are_all_kept():
    coreset = RunningCoreset(50, 5)
    coreset.add(points(40))
    assert torch.equal(coreset.chosen(), points(40))


def test_a_stream_is_covered_nearly_as_well_as_all_points_at_once():
    given = points(4000)
    coreset = RunningCoreset(100, 5)
    for part in given.split(333):
        coreset.add(part)
    reached = squared_distances(given, coreset.chosen()).amin(1).max().sqrt()
    assert len(coreset.chosen()) == 100
    assert reached < 1.7 * greedy_centres(given, 100)[1] ** 0.5


def test_what_is_held_does_not_grow_with_the_stream():
    coreset, most = RunningCoreset(64, 5), 0
    for seed in range(40):
        coreset.add(points(500, seed))
        most = max(most, len(coreset.points))
    assert most <= 2 * 64


def test_rare_points_are_kept():
    coreset = RunningCoreset(32, 5)
    coreset.add(torch.cat([points(3000), torch.full((1, 5), 30.0), points(3000, 1)]))
    assert coreset.chosen().amax() == 30
