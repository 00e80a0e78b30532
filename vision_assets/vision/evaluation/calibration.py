"""Whether scores are probabilities: of the answers given with 90 %, nine in ten are right."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from vision_assets.vision.evaluation.share import wilson

_MOST_BINS = 12
_IMAGES_PER_BIN = 10


def reliability(scores: ArrayLike, correct: ArrayLike) -> pd.DataFrame:
    """What was promised and what was kept, in bins of equally many images.

    Bins of equal mass are as sure as each other, however the scores are crowded near 1 (Nixon et
    al., "Measuring Calibration in Deep Learning", 2019).

    Args:
        scores: of the answer given, one per image, 0..1.
        correct: whether that answer is right.

    Returns:
        One row per bin, the lowest scores first: `n`, `score` (mean), `correct` (share), `low`
        and `high` (its interval).
    """
    scores, correct = np.asarray(scores, float), np.asarray(correct, bool)
    order = np.argsort(scores, kind="stable")
    bins = np.array_split(order, int(np.clip(len(order) // _IMAGES_PER_BIN, 1, _MOST_BINS)))
    score = [scores[chosen] for chosen in bins if len(chosen)]
    right = [correct[chosen] for chosen in bins if len(chosen)]
    n = np.array([len(each) for each in score], int)
    low, high = wilson([each.sum() for each in right], n)
    return pd.DataFrame(
        {
            "n": n,
            "score": [each.mean() for each in score],
            "correct": [each.mean() for each in right],
            "low": low,
            "high": high,
        }
    )


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Mean distance between score and share of right answers, over images; 0 without images.

    Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning",
    2015; here over the bins of `reliability`.
    """
    if bins.empty:
        return 0.0
    gaps = (bins["score"] - bins["correct"]).abs()
    return float(np.average(gaps, weights=bins["n"]))
