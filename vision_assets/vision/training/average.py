"""An exponential moving average of a network's parameters.

It varies less from step to step than the parameters themselves, and is often the better
network (Polyak, Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992;
Tarvainen, Valpola, "Mean teachers are better role models", 2017).
"""

import copy
from typing import Any

import torch
from torch import nn

from vision_assets.vision.training.weights import load_weights

_FIRST_STEPS = 10


class MovingAverage:
    """A second network that follows the one that is trained."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Begin with the parameters as they are.

        Args:
            network: is trained.
            decay: share of the average that stays at each step; less in the first ones, when
                there is little to average.
        """
        self.network = copy.deepcopy(network)
        self._decay, self._steps = decay, 0

    @torch.no_grad()
    def follow(self, network: nn.Module) -> None:
        """Take in the parameters after one more step."""
        self._steps += 1
        decay = min(self._decay, self._steps / (_FIRST_STEPS + self._steps))
        for average, value in zip(self.network.parameters(), network.parameters(), strict=True):
            average.lerp_(value, 1 - decay)

    def state(self) -> dict[str, Any]:
        """All that is needed to go on."""
        return {"steps": self._steps, "network": self.network.state_dict()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._steps = state["steps"]
        load_weights(self.network, state["network"])
