"""Statistics of batch normalisation that belong to the weights as they are.

The running averages of training lag behind by tens of steps: on little data, or early, the
network that is validated would not be the one that was trained. So they are taken anew from
a few batches before each validation (Wu, Johnson, "Rethinking 'Batch' in BatchNorm", 2021).
"""

from collections.abc import Iterable

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


@torch.no_grad()
def renew_batch_statistics(network: nn.Module, batches: Iterable[torch.Tensor]) -> None:
    """Replace the running averages by the plain averages over batches.

    Leaves the network in evaluation mode, and does nothing where it has no such layer.

    Args:
        network: takes each of the batches.
        batches: images as training shows them.
    """
    network.eval()
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    for images in batches:
        network(images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
        layer.eval()
