"""How sure figures are: percentile intervals of the bootstrap over the outcomes of images.

Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979. Images of one group are drawn
together, as they are not independent; draws keep the number of images of each label, as splits
do. The seed is fixed: the same outcomes have the same interval, in whatever order they come.

Where every resample says the same, as where no answer is wrong or all images are of one group,
percentiles know no doubt; the exact bounds of Clopper and Pearson, "The Use of Confidence or
Fiducial Limits", 1934, take their place: with n images all right, the true share may still be
(alpha / 2) ** (1 / n). Images of one group count as one there.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.figure import Figure, Interval

CONFIDENCE = 0.95
RESAMPLES = 2000
_SEED = 0
_ROUNDING = 1e-9
_MOST_WEIGHTS = 4_000_000
"""Drawn at a time: 32 MB."""

Compute = Callable[[pd.DataFrame, np.ndarray], dict[str, Figure]]
"""Outcomes and (r, n) weights to figures by name."""


@dataclass(frozen=True)
class _Units:
    """What is drawn as one.

    Attributes:
        of_row: (n,) the unit of each outcome.
        stratum: (u,) the stratum of each unit.
    """

    of_row: np.ndarray
    stratum: np.ndarray


def intervals(
    outcomes: pd.DataFrame,
    compute: Compute,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """The interval of every figure.

    Args:
        outcomes: at least one row, with `image_id`, `label` and what `compute` needs; rows of
            one `group`, where there is such a column, are drawn together.
        compute: pure, the same for every order of the rows, and defined for a part of them.
        confidence: share of such intervals that hold the true value.
        resamples: how often outcomes are drawn anew.
    """
    outcomes = _ordered(outcomes)
    units = _units(outcomes)
    seen = compute(outcomes, np.ones((1, len(outcomes))))
    drawn = [compute(outcomes, weights) for weights in _draws(units, resamples)]
    worth = _worth(outcomes, units, compute)
    return {
        name: _interval(
            figure, [each[name].values for each in drawn], worth.get(name, 1.0), confidence
        )
        for name, figure in seen.items()
    }


def paired_differences(
    one: pd.DataFrame,
    other: pd.DataFrame,
    compute: Compute,
    confidence: float = CONFIDENCE,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """The interval of one minus other, for every figure that both have.

    Both see the same draws, so that an image that is hard for both adds no doubt.

    Args:
        one: outcomes of a bundle.
        other: outcomes of another bundle for the same images.
        compute: as in `intervals`.
        confidence: share of such intervals that hold the true difference.
        resamples: how often images are drawn anew.

    Raises:
        DatasetError: the outcomes are not of the same images.
    """
    one, other = _ordered(one), _ordered(other)
    if one["image_id"].tolist() != other["image_id"].tolist():
        raise DatasetError(
            "expected outcomes of the same images to compare, got different ones; evaluate both "
            "bundles on the same rows"
        )

    def difference(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
        first, second = compute(outcomes, weights), compute(other, weights)
        return {
            name: Figure(first[name].values - second[name].values, first[name].n)
            for name in first
            if name in second
        }

    units = _units(one)
    seen = difference(one, np.ones((1, len(one))))
    drawn = [difference(one, weights) for weights in _draws(units, resamples)]
    return {
        name: _percentiles(figure, [each[name].values for each in drawn], confidence)
        for name, figure in seen.items()
    }


def unseen_share(outcomes: pd.DataFrame, confidence: float = CONFIDENCE) -> float:
    """The largest share that something may have of which these outcomes show nothing: exact."""
    return 1 - _share_of_all(len(_units(outcomes).stratum), confidence)


def _ordered(outcomes: pd.DataFrame) -> pd.DataFrame:
    return outcomes.sort_values("image_id", ignore_index=True)


def _units(outcomes: pd.DataFrame) -> _Units:
    """Groups, or images where there are none; strata where no group has two labels."""
    names = outcomes["image_id"].astype(object)
    if "group" in outcomes:
        names = outcomes["group"].astype(object).where(outcomes["group"].notna(), names)
    of_row, units = pd.factorize(names)
    labels = pd.factorize(outcomes["label"].astype(object))[0]
    stratum = np.zeros(len(units), np.int64)
    stratum[of_row] = labels
    pure = bool((stratum[of_row] == labels).all())
    return _Units(of_row, stratum if pure else np.zeros_like(stratum))


def _draws(units: _Units, resamples: int) -> Iterator[np.ndarray]:
    """(r, n) float: how often each outcome was drawn, some resamples at a time."""
    generator = np.random.default_rng(_SEED)
    by_stratum = np.argsort(units.stratum, kind="stable")
    sizes = np.unique(units.stratum, return_counts=True)[1]
    size, first = np.repeat(sizes, sizes), np.repeat(np.cumsum(sizes) - sizes, sizes)
    n, step = len(size), max(1, _MOST_WEIGHTS // len(units.of_row))
    for begin in range(0, resamples, step):
        rows = min(step, resamples - begin)
        places = first + (generator.random((rows, n)) * size).astype(np.int64)
        drawn = by_stratum[places] + n * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        yield counts[:, units.of_row].astype(float)


def _percentiles(figure: Figure, drawn: list[np.ndarray], confidence: float) -> Interval:
    value = float(figure.values[0])
    values = np.concatenate(drawn)
    values = values[~np.isnan(values)]
    if np.isnan(value) or not len(values):
        return Interval(value, np.nan, np.nan, figure.n)
    tail = (1 - confidence) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(value, float(low), float(high), figure.n)


def _worth(outcomes: pd.DataFrame, units: _Units, compute: Compute) -> dict[str, float]:
    """Independent images that each figure is as sure as: those of a table with one row per unit.

    A unit of several labels has a row for each, and is counted once where all images count.
    """
    names = pd.DataFrame({"unit": units.of_row, "label": outcomes["label"].astype(object)})
    one_each = outcomes[~names.duplicated()].reset_index(drop=True)
    found = compute(one_each, np.ones((1, len(one_each))))
    return {
        name: max(1.0, min(figure.worth or figure.n, len(units.stratum)))
        for name, figure in found.items()
    }


def _interval(figure: Figure, drawn: list[np.ndarray], worth: float, confidence: float) -> Interval:
    found = _percentiles(figure, drawn, confidence)
    if not np.allclose([found.low, found.high], found.value, rtol=_ROUNDING, atol=0):
        return found
    low, high = _exact(found.value / figure.most, worth, confidence)
    return Interval(found.value, low * figure.most, high * figure.most, found.n)


def _exact(share: float, n: float, confidence: float) -> tuple[float, float]:
    """The interval of a share of n by Clopper and Pearson."""
    tail, hits = (1 - confidence) / 2, min(share, 1.0) * n
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, n - hits + 1))
    high = 1.0 if hits == n else float(beta.ppf(1 - tail, hits + 1, n - hits))
    return low, high


def _share_of_all(n: float, confidence: float) -> float:
    """The smallest share that something may have which all n show."""
    return ((1 - confidence) / 2) ** (1 / n)
