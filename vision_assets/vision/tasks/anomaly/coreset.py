"""A bounded choice of points that covers all that came by, however many.

Greedy k-center (Gonzalez, "Clustering to Minimize the Maximum Intercluster Distance", 1985), as
Roth et al., "Towards Total Recall in Industrial Anomaly Detection", 2022, choose the patches of
their memory bank; here over a stream: a point that lies within the radius of what is chosen
already is covered and not looked at again, the others wait until there are too many.
"""

import torch

_BLOCK = 2048


class RunningCoreset:
    """At most `size` points of a stream; holds at most twice as many and a block.

    Attributes:
        size: of the choice.
        radius: squared; no point that came by is farther from the choice than a few of it.
    """

    def __init__(self, size: int, n_features: int) -> None:
        self.size, self.radius = size, 0.0
        self.points = torch.empty(0, n_features)

    def add(self, points: torch.Tensor) -> None:
        """Take in points, (n, d) float."""
        for block in points.split(_BLOCK):
            if len(self.points):
                far = squared_distances(block, self.points).amin(1) > self.radius
                block = block[far]
            self.points = torch.cat([self.points, block])
            if len(self.points) > 2 * self.size:
                self._reduce()

    def chosen(self) -> torch.Tensor:
        """The choice, (m, d), m at most `size`."""
        if len(self.points) > self.size:
            self._reduce()
        return self.points

    def _reduce(self) -> None:
        rows, radius = greedy_centres(self.points, self.size)
        self.points, self.radius = self.points[rows], max(self.radius, radius)


def greedy_centres(points: torch.Tensor, n: int) -> tuple[torch.Tensor, float]:
    """Always the point that is farthest from those chosen before, beginning with the first.

    Args:
        points: (m, d) float, m at least n.
        n: how many are chosen.

    Returns:
        Their positions, (n,) int64, and the largest squared distance of a point to them.
    """
    norms = points.square().sum(1)
    chosen = torch.zeros(n, dtype=torch.int64)
    nearest = torch.full((len(points),), torch.inf)
    for turn in range(n):
        if turn:
            chosen[turn] = nearest.argmax()
        centre = chosen[turn]
        away = norms + norms[centre] - 2 * (points @ points[centre])
        nearest = torch.minimum(nearest, away.clamp(min=0))
        nearest[centre] = 0
    return chosen, float(nearest.max())


def squared_distances(ones: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """(n, d) and (m, d) -> (n, m), by one matrix product."""
    products = ones @ others.T
    squares = ones.square().sum(1, keepdim=True) + others.square().sum(1)
    return (squares - 2 * products).clamp(min=0)
