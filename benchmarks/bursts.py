"""Two servers that are asked in turn, many times: the ratio, and how sure it is."""

from collections.abc import Mapping, Sequence

import numpy as np

BURSTS = 40
"""Of each server; a pair of them takes some three seconds."""

RESAMPLES = 10_000

Burst = Mapping[str, float]
"""What one burst gave, by figure."""


def compared(ours: Sequence[Burst], other: Sequence[Burst]) -> dict[str, float]:
    """For each figure its median on both sides, and the median of the ratios of neighbours.

    `_low` and `_high` bound that median: the 95 % percentile interval of the bootstrap over
    the pairs of bursts.
    """
    found: dict[str, float] = {}
    for figure in ours[0]:
        mine, its = (np.array([burst[figure] for burst in side]) for side in (ours, other))
        low, high = _interval(mine / its)
        found |= {
            f"{figure}_ours": float(np.median(mine)),
            f"{figure}_other": float(np.median(its)),
        }
        found |= {f"{figure}_low": low, f"{figure}_high": high}
        found[f"{figure}_ratio"] = float(np.median(mine / its))
    return found


def _interval(ratios: np.ndarray) -> tuple[float, float]:
    drawn = np.random.default_rng(0).choice(ratios, (RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return float(low), float(high)
