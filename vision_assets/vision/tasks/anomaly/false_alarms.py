"""Thresholds from normal images alone, for a rate of false alarms that is kept with confidence.

Of n independent normal images, k score above the (n - k)-th lowest score. The share of all normal
parts above that score has the distribution Beta(k + 1, n - k), whatever the scores are like; its
upper quantile is the bound of Clopper and Pearson, "The Use of Confidence or Fiducial Limits",
1934. The largest k is taken whose bound is no larger than the rate.

Images of one group, such as shots of one part, are not independent: a group counts once, by the
highest score of its images, and the rate is one of groups.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta, binomtest

from vision_assets.vision.evaluation.costs import known
from vision_assets.vision.inference.decision import PASS_BELOW, REFUSE_FROM
from vision_assets.vision.parity import MAX_DIFFERENCE
from vision_assets.vision.tasks.anomaly.spec import FalseAlarmSpec
from vision_assets.vision.tasks.task import Choice

PROMISED_RATE = "false_alarm_rate"
"""Option of a bundle's card: the rate that its threshold was chosen for."""


def choose(outcomes: pd.DataFrame | None, spec: FalseAlarmSpec) -> Choice:
    """The smallest thresholds that keep the rates.

    Args:
        outcomes: of the val split, with `defect` and `defect_score`, and `group` where images
            depend on each other; None where it is empty.
        spec: the rates, and how sure it has to be.
    """
    scores = np.empty(0) if outcomes is None else normal_scores(outcomes)
    if outcomes is None or not len(scores):
        return Choice(
            {}, "none, as the val split has no normal images; raise splits.val or label some"
        )
    refuse = threshold(scores, spec.rate, spec.confidence)
    review = None if spec.review is None else threshold(scores, spec.review, spec.confidence)
    counted = _counted(outcomes)
    said = [_said(refuse, counted, spec.rate, spec.confidence)]
    if review is not None and spec.review is not None:
        said.append("for review: " + _said(review, counted, spec.review, spec.confidence))
    chosen = {PASS_BELOW: (review or refuse).value, REFUSE_FROM: refuse.value}
    origin = "; ".join([*said, "defect images and costs do not move it"])
    return Choice(chosen, origin, {PROMISED_RATE: f"{spec.rate:g}"})


@dataclass(frozen=True)
class Threshold:
    """A threshold and what it keeps.

    Attributes:
        value: normal images of the val split score below, but for `above` of `n`.
        above: how many do not.
        n: normal images that are independent: a group counts once.
        bound: upper confidence bound of the rate of false alarms.
    """

    value: float
    above: int
    n: int
    bound: float


def threshold(scores: np.ndarray, rate: float, confidence: float) -> Threshold:
    """The smallest threshold whose upper bound is at most the rate; else above all scores.

    It is as far above the next score as rounding can move one of floats, so that no image that it
    was chosen by changes sides in another runtime. Scores of integers move farther, to either side.

    Args:
        scores: (n,) of independent normal images, at least one.
        rate: of false alarms.
        confidence: of the bound.
    """
    n = len(scores)
    bounds = beta.ppf(confidence, np.arange(n) + 1, n - np.arange(n))
    most_above = max(0, int((bounds <= rate).sum()) - 1)
    value = float(np.sort(scores)[n - 1 - most_above]) + MAX_DIFFERENCE
    above = int((scores >= value).sum())
    return Threshold(value, above, n, float(bounds[above]))


def images_needed(rate: float, confidence: float) -> int:
    """Normal images without which no threshold can promise the rate."""
    return math.ceil(math.log(1 - confidence) / math.log(1 - rate))


@dataclass(frozen=True)
class Kept:
    """Whether a promised rate is kept by other normal images.

    Attributes:
        refused: normal images that were, or groups of which one was.
        n: normal images, or groups of them.
        counted: which of both.
        promised: the rate.
        p_value: how likely so many or more are, if the rate is kept; exact binomial test.
    """

    refused: int
    n: int
    counted: str
    promised: float
    p_value: float


def kept(outcomes: pd.DataFrame, promised: float) -> Kept | None:
    """Test a promised rate on outcomes of the test split; None without decided normal images."""
    decided = outcomes[outcomes["decision"].notna()]
    normal = _normals(decided)
    if normal.empty:
        return None
    of_group = (normal["decision"] == "refuse").groupby(_groups(normal)).any()
    refused, n = int(of_group.sum()), len(of_group)
    p_value = binomtest(refused, n, promised, alternative="greater").pvalue
    return Kept(refused, n, _counted(decided), promised, float(p_value))


def normal_scores(outcomes: pd.DataFrame) -> np.ndarray:
    """The highest `defect_score` of each group of normal images, (n,) float."""
    normal = _normals(outcomes)
    return normal["defect_score"].astype(float).groupby(_groups(normal)).max().to_numpy()


def _normals(outcomes: pd.DataFrame) -> pd.DataFrame:
    counted = known(outcomes)
    return counted[~counted["defect"].astype(bool)]


def _groups(normal: pd.DataFrame) -> np.ndarray:
    """(n,) what each image counts with: its group, or itself where it has none."""
    own = pd.Series(np.arange(len(normal)), normal.index, object)
    if "group" not in normal:
        return own.to_numpy(int)
    return pd.factorize(normal["group"].astype(object).where(normal["group"].notna(), own))[0]


def _counted(outcomes: pd.DataFrame) -> str:
    normal = _normals(outcomes)
    independent = len(set(_groups(normal))) == len(normal)
    return "normal images" if independent else "groups of normal images"


def _said(found: Threshold, counted: str, rate: float, confidence: float) -> str:
    if found.bound <= rate:
        return (
            f"the smallest threshold that keeps false alarms at {rate:.2%} or less with "
            f"{confidence:.0%} confidence (upper bound {found.bound:.2%}): {found.above} of "
            f"{found.n} {counted} of the val split score above it"
        )
    return (
        f"just above the highest score of {found.n} {counted} of the val split, which is too "
        f"few to promise {rate:.2%} false alarms with {confidence:.0%} confidence: "
        f"{images_needed(rate, confidence)} are needed; with these, the bound is "
        f"{found.bound:.2%}"
    )
