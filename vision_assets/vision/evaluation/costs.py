"""What decisions lead to: escapes, overkill, parts that a person looks at, and their cost.

An escape is a defect that was passed, overkill a good part that was refused. All figures here
are better when they are lower.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.figure import Figure, means
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.spec import CostSpec

ESCAPE_RATE, OVERKILL_RATE = "escape_rate", "overkill_rate"
REVIEW_RATE, COST = "review_rate", "cost"
DECISION_FIGURES = (ESCAPE_RATE, OVERKILL_RATE, REVIEW_RATE, COST)
ABOUT_DEFECTS = {ESCAPE_RATE: True, OVERKILL_RATE: False}
"""Whether a figure is about classes that are defects or about those that are none."""


@dataclass(frozen=True)
class Consequences:
    """What became of parts of which it is known whether they are defect.

    Attributes:
        defects: parts that are.
        good: parts that are not.
        escapes: defects that were passed.
        overkill: good parts that were refused.
        reviewed: parts that went to a person.
        cost: of all of them together.
    """

    defects: int
    good: int
    escapes: int
    overkill: int
    reviewed: int
    cost: float

    @property
    def n(self) -> int:
        """All parts."""
        return self.defects + self.good


def decided(outcomes: pd.DataFrame, thresholds: Mapping[str, float]) -> pd.DataFrame:
    """The same outcomes, decided by other thresholds."""
    decisions = [decide(score, thresholds) for score in outcomes["defect_score"]]
    return outcomes.assign(decision=pd.Series(decisions, outcomes.index, object))


def known(outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of which it is known whether the part is defect."""
    return outcomes[outcomes["defect"].notna()]


def rated(outcomes: pd.DataFrame) -> pd.DataFrame:
    """What each image says of both rates: 1 where it counts, 0 where not; else not a number.

    Returns:
        `escape_rate`, of decided defects, and `overkill_rate`, of decided good parts; indexed as
        the outcomes.
    """
    counted = outcomes[outcomes["defect"].notna() & outcomes["decision"].notna()]
    escaped, overkilled, _ = _kinds(counted)
    defect = counted["defect"].to_numpy(bool)
    found = {
        ESCAPE_RATE: np.where(defect, escaped, np.nan),
        OVERKILL_RATE: np.where(defect, np.nan, overkilled),
    }
    return pd.DataFrame(found, counted.index).reindex(outcomes.index)


def consequences(outcomes: pd.DataFrame, costs: CostSpec) -> Consequences:
    """Count what decisions led to."""
    counted = known(outcomes)
    defect = counted["defect"].astype(bool)
    escaped, overkilled, reviewed = _kinds(counted)
    return Consequences(
        defects=int(defect.sum()),
        good=int((~defect).sum()),
        escapes=int(escaped.sum()),
        overkill=int(overkilled.sum()),
        reviewed=int(reviewed.sum()),
        cost=float(_cost(counted, costs).sum()),
    )


def decision_figures(
    outcomes: pd.DataFrame, weights: np.ndarray, costs: CostSpec
) -> dict[str, Figure]:
    """The rates of escapes, overkill and reviews, and the cost of a part.

    Args:
        outcomes: n rows with `label`, `defect` and `decision`.
        weights: (r, n) float.
        costs: of one part of each kind.

    Returns:
        By name, of all images and as in `escape_rate/scratch` of the images of each class;
        nothing where nothing was decided.
    """
    counted = outcomes["defect"].notna() & outcomes["decision"].notna()
    if not counted.any():
        return {}
    weights, outcomes = weights[:, counted.to_numpy()], outcomes[counted]
    names, parts = _parts(outcomes)
    defect = outcomes["defect"].to_numpy(bool)[:, None]
    escaped, overkilled, reviewed = _kinds(outcomes)
    of_all = {
        ESCAPE_RATE: means(weights, escaped, parts & defect),
        OVERKILL_RATE: means(weights, overkilled, parts & ~defect),
        REVIEW_RATE: means(weights, reviewed, parts),
        COST: means(weights, _cost(outcomes, costs), parts, most=_most(costs)),
    }
    return {
        f"{name}{of}": figure
        for name, figures in of_all.items()
        for of, figure in zip(names, figures, strict=True)
        if figure.n
    }


def trade_off(outcomes: pd.DataFrame, costs: CostSpec) -> pd.DataFrame:
    """Escapes against overkill for every threshold that decides all parts without a person.

    Returns:
        One row per threshold, lowest first: `threshold`, from which a part is refused,
        `escape_rate`, `overkill_rate`, `cost` of a part.
    """
    counted = known(outcomes)
    defect = counted["defect"].to_numpy(bool)
    score = counted["defect_score"].to_numpy(float)
    thresholds = np.unique(np.concatenate([[0.0], score, [np.nextafter(1.0, 2.0)]]))
    escapes = np.searchsorted(np.sort(score[defect]), thresholds, side="left")
    passed = np.searchsorted(np.sort(score[~defect]), thresholds, side="left")
    overkill = (~defect).sum() - passed
    cost = costs.escape * escapes + costs.overkill * overkill
    return pd.DataFrame(
        {
            "threshold": thresholds,
            ESCAPE_RATE: escapes / max(1, defect.sum()),
            OVERKILL_RATE: overkill / max(1, (~defect).sum()),
            COST: cost / max(1, len(score)),
        }
    )


def _parts(outcomes: pd.DataFrame) -> tuple[list[str], np.ndarray]:
    """All outcomes, and those of each label: what follows a figure's name, and (n, p) bool."""
    labels = outcomes["label"].to_numpy(object)
    names = sorted(set(labels))
    of_label = labels[:, None] == np.array(names, object)
    return ["", *(f"/{name}" for name in names)], np.column_stack(
        [np.ones(len(labels), bool), of_label]
    )


def _kinds(outcomes: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n,) bool each: escaped, overkilled, reviewed."""
    defect = outcomes["defect"].to_numpy(bool)
    decision = outcomes["decision"].to_numpy(object)
    return defect & (decision == "pass"), ~defect & (decision == "refuse"), decision == "review"


def _cost(outcomes: pd.DataFrame, costs: CostSpec) -> np.ndarray:
    """(n,) float: of each part."""
    escaped, overkilled, reviewed = _kinds(outcomes)
    return costs.escape * escaped + costs.overkill * overkilled + (costs.review or 0) * reviewed


def _most(costs: CostSpec) -> float:
    """What one part can cost."""
    return max(costs.escape, costs.overkill, costs.review or 0)
