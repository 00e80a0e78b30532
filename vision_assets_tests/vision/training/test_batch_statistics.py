"""Statistics of batch normalisation are those of the weights as they are."""

import torch
from torch import nn

from vision_assets.vision.training.batch_statistics import renew_batch_statistics


def test_they_become_the_averages_over_the_batches():
    layer = nn.BatchNorm2d(1)
    layer.running_mean = torch.tensor([99.0])
    batches = [torch.full((2, 1, 4, 4), value) for value in (1.0, 3.0)]
    renew_batch_statistics(nn.Sequential(layer), batches)
    assert layer.running_mean.item() == 2
    assert layer.momentum == 0.1


def test_the_network_is_left_in_evaluation_mode():
    network = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout())
    renew_batch_statistics(network, [torch.rand(2, 1, 4, 4)])
    assert not any(module.training for module in network.modules())


def test_a_network_without_such_layers_sees_no_batch():
    def batches():
        raise AssertionError("asked for a batch")
        yield

    renew_batch_statistics(nn.Sequential(nn.Linear(2, 2)), batches())
