"""Decision thresholds by cost: chosen on the val split, written into the bundle.

Between `pass_below` and `refuse_from` a person looks. Of all thresholds with the lowest cost on
the val images, those nearest to the Bayes thresholds of calibrated scores are taken (Elkan, "The
Foundations of Cost-Sensitive Learning", 2001; with a person to ask, Chow, "On Optimum Recognition
Error and Reject Tradeoff", 1970).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.costs import (
    DECISION_FIGURES,
    decided,
    decision_figures,
    known,
)
from vision_assets.vision.evaluation.evaluate import evaluate
from vision_assets.vision.evaluation.evidence import outcomes_of
from vision_assets.vision.inference.bundle import Bundle, CardClass, write_bundle
from vision_assets.vision.inference.decision import ON_VAL, ORIGIN, PASS_BELOW, REFUSE_FROM
from vision_assets.vision.spec import CostSpec, PipelineSpec
from vision_assets.vision.tasks.task import Choice, Task
from vision_assets.vision.training.pixels import ReadBytes

FEWEST_IMAGES = 20
_DIGITS = 9
"""Costs that differ by less are equal: sums of floats."""


def with_thresholds(
    task: Task, bundle: Bundle, val: pd.DataFrame, read: ReadBytes, spec: PipelineSpec, root: Path
) -> Bundle:
    """The same model as a bundle whose card has thresholds.

    Args:
        task: the plug-in.
        bundle: judged from bytes, as it will serve.
        val: manifest rows of the val split.
        read: gives the bytes of images.
        spec: what wrong decisions cost, and what else the task decides by.
        root: folder of the use case's bundles; `root/<bundle_id>/` is written.

    Raises:
        DatasetError: an image is missing in the store.
        ImageRefused: an image cannot be decoded.
    """
    outcomes = outcomes_of(evaluate(task, bundle, val, read), val) if len(val) else None
    chosen = task.thresholds(outcomes, bundle.card.classes, spec)
    said = {ORIGIN: chosen.origin} | _led_to(outcomes, chosen.thresholds, spec.costs)
    card = bundle.card.model_copy(
        update={
            "thresholds": chosen.thresholds,
            "options": bundle.card.options | chosen.options | said,
        }
    )
    return write_bundle(root, card, {name: bundle.read(name) for name in bundle.card.files})


def _led_to(
    outcomes: pd.DataFrame | None, thresholds: Mapping[str, float], costs: CostSpec
) -> dict[str, str]:
    """What thresholds lead to on the val split, for the card; nothing where nothing is decided."""
    if outcomes is None or not thresholds:
        return {}
    found = decision_figures(decided(outcomes, thresholds), np.ones((1, len(outcomes))), costs)
    return {
        f"{ON_VAL}{name}": f"{found[name].values[0]:.6g}"
        for name in DECISION_FIGURES
        if name in found
    }


def choose(outcomes: pd.DataFrame | None, classes: Sequence[CardClass], costs: CostSpec) -> Choice:
    """The thresholds with the lowest cost.

    Args:
        outcomes: of the val split, with `defect` and `defect_score`; None where it is empty.
        classes: of the bundle.
        costs: of wrong decisions.
    """
    nothing = no_decision(classes)
    if nothing is not None:
        return Choice({}, nothing)
    seen = pd.DataFrame() if outcomes is None else known(outcomes)
    defects = 0 if seen.empty else int(seen["defect"].astype(bool).sum())
    good = len(seen) - defects
    if len(seen) < FEWEST_IMAGES or not defects or not good:
        return Choice(
            bayes_thresholds(costs),
            f"from the costs alone, as the val split has {good} good and {defects} defect images; "
            f"{FEWEST_IMAGES} with some of both are needed to choose them by what they lead to",
        )
    return Choice(
        cheapest(seen["defect"].to_numpy(bool), seen["defect_score"].to_numpy(float), costs),
        f"lowest cost on {good} good and {defects} defect images of the val split",
    )


def no_decision(classes: Sequence[CardClass]) -> str | None:
    """Why there is nothing to pass or refuse; None where there is."""
    if all(entry.defect for entry in classes):
        return "none, as every class is a defect: no part can be passed"
    if not any(entry.defect for entry in classes):
        return "none, as no class is a defect: no part can be refused"
    return None


def bayes_thresholds(costs: CostSpec) -> dict[str, float]:
    """The best thresholds where `defect_score` is the probability of a defect.

    A person is asked only where that is cheaper than the best decision for a part of which
    nothing is known.
    """
    alone = costs.overkill / (costs.escape + costs.overkill)
    if costs.review is None or costs.review >= costs.escape * alone:
        return {PASS_BELOW: alone, REFUSE_FROM: alone}
    return {
        PASS_BELOW: costs.review / costs.escape,
        REFUSE_FROM: 1 - costs.review / costs.overkill,
    }


def cheapest(defect: np.ndarray, score: np.ndarray, costs: CostSpec) -> dict[str, float]:
    """The thresholds in 0..1 with the lowest cost; of equal ones those nearest to Bayes'.

    The cost is a sum of one part for each threshold, so both walk once over the gaps between
    neighbouring scores, the lower one never ahead.

    Args:
        defect: (n,) bool.
        score: (n,) float in 0..1.
        costs: of wrong decisions.
    """
    first, last = _gaps(score)
    wanted = bayes_thresholds(costs)
    pass_below = np.clip(wanted[PASS_BELOW], first, last)
    refuse_from = np.clip(wanted[REFUSE_FROM], first, last)
    pass_cost, refuse_cost = _costs_of_gaps(defect, score, last, costs)
    pass_away = np.abs(pass_below - wanted[PASS_BELOW])
    refuse_away = np.abs(refuse_from - wanted[REFUSE_FROM])
    places = range(len(first))
    lower = places if costs.review is None else _best_so_far(pass_cost, pass_away)
    _, _, low, high = min(
        (
            round(float(pass_cost[low] + refuse_cost[high]), _DIGITS),
            float(pass_away[low] + refuse_away[high]),
            low,
            high,
        )
        for low, high in zip(lower, places, strict=True)
    )
    return {PASS_BELOW: float(pass_below[low]), REFUSE_FROM: float(refuse_from[high])}


def _gaps(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last threshold of each range, in 0..1, that divides the scores alike."""
    scores = np.unique(score)
    first = np.concatenate([[0.0], np.nextafter(scores, 2.0)])
    last = np.concatenate([scores, [1.0]])
    return first[first <= last], last[first <= last]


def _costs_of_gaps(
    defect: np.ndarray, score: np.ndarray, threshold: np.ndarray, costs: CostSpec
) -> tuple[np.ndarray, np.ndarray]:
    """What each threshold costs as `pass_below` and as `refuse_from`; their sum is the cost.

    Parts between the two are those below the upper one less those below the lower one.
    """
    review = costs.review or 0.0
    below = np.searchsorted(np.sort(score), threshold, side="left")
    defects_below = np.searchsorted(np.sort(score[defect]), threshold, side="left")
    good_above = (~defect).sum() - (below - defects_below)
    as_pass = costs.escape * defects_below - review * below
    as_refuse = costs.overkill * good_above + review * below
    return np.round(as_pass, _DIGITS), np.round(as_refuse, _DIGITS)


def _best_so_far(cost: np.ndarray, away: np.ndarray) -> list[int]:
    """At each place the one up to it with the lowest cost, of equal ones the least far away."""
    best: list[int] = []
    for place in range(len(cost)):
        before = best[-1] if best else place
        better = (cost[place], away[place]) < (cost[before], away[before])
        best.append(place if better else before)
    return best
