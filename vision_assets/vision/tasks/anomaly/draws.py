"""Random numbers for a batch, one for each image, from a generator of the CPU."""

import math

import torch


def any_below(n: int, generator: torch.Generator) -> int:
    """One of 0..n-1, for the whole batch."""
    return int(torch.randint(n, (1,), generator=generator))


def uniform(n: int, ends: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """(n,) between two ends."""
    low, high = ends
    return low + (high - low) * torch.rand(n, generator=generator)


def log_uniform(n: int, ends: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """(n,) between two ends, of which the logarithms are uniform."""
    low, high = map(math.log, ends)
    return uniform(n, (low, high), generator).exp()


def signs(n: int, generator: torch.Generator) -> torch.Tensor:
    """(n,) of -1 and 1, as often."""
    return 1 - 2 * torch.randint(0, 2, (n,), generator=generator).float()


def of_each(values: torch.Tensor) -> torch.Tensor:
    """One number for each image, (n,) -> (n, 1, 1), to be combined with its pixels."""
    return values[:, None, None]
