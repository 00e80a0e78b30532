"""How sure figures are: percentile intervals of the bootstrap over the outcomes of images.

Efron, "Bootstrap Methods: Another Look at the Jackknife", 1979. Images of one group are drawn
together, as they are not independent; draws keep the number of images of each label, as splits
do. The seed is fixed: the same outcomes have the same interval, in whatever order they come.

Where every resample says the same, as where no answer is wrong, percentiles know no doubt; the
exact bound of Clopper and Pearson, "The Use of Confidence or Fiducial Limits", 1934, takes
their place: with n images all right, the true share may still be (alpha / 2) ** (1 / n).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.errors import DatasetError
from vision_assets.vision.evaluation.figure import Figure, Interval

CONFIDENCE = 0.95
RESAMPLES = 2000
_SEED = 0
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

    @property
    def share(self) -> float:
        """Units for one outcome."""
        return len(self.stratum) / len(self.of_row)


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
        compute: pure, and the same for every order of the rows.
        confidence: share of such intervals that hold the true value.
        resamples: how often outcomes are drawn anew.
    """
    outcomes = _ordered(outcomes)
    units = _units(outcomes)
    seen = compute(outcomes, np.ones((1, len(outcomes))))
    drawn = [compute(outcomes, weights) for weights in _draws(units, resamples)]
    return {
        name: _interval(figure, [each[name].values for each in drawn], units.share, confidence)
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


def _interval(
    figure: Figure, drawn: list[np.ndarray], units_per_image: float, confidence: float
) -> Interval:
    found = _percentiles(figure, drawn, confidence)
    if not found.low == found.high == found.value:
        return found
    worth = max(1.0, (figure.worth or figure.n) * units_per_image)
    sure = _share_of_all(worth, confidence)
    low = found.low * sure if found.value == figure.most else found.low
    high = figure.most * (1 - sure) if found.value == 0 else found.high
    return Interval(found.value, low, high, found.n)


def _share_of_all(n: float, confidence: float) -> float:
    """The smallest share that something may have which all n show."""
    return ((1 - confidence) / 2) ** (1 / n)
