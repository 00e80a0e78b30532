"""What a report says of the promise that a threshold was chosen for, in sentences."""

import pandas as pd

from vision_assets.vision.evaluation.costs import known
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.evaluation.share import wilson
from vision_assets.vision.tasks.anomaly.false_alarms import PROMISED_RATE, Kept, kept

_REFUTED_BELOW = 0.01


def findings(scorecard: Scorecard) -> list[str]:
    """False alarms against the promise, escapes, and how much is known of pixels."""
    return [_false_alarms(scorecard), _escapes(scorecard.predictions), _pixels(scorecard)]


def _false_alarms(scorecard: Scorecard) -> str:
    promised = scorecard.card.options.get(PROMISED_RATE)
    if promised is None:
        return "The bundle's thresholds promise no rate of false alarms."
    found = kept(scorecard.predictions, float(promised))
    if found is None:
        return f"No normal image tests the promised {float(promised):.1%} of false alarms."
    return (
        f"False alarms: {found.refused} of {found.n} {found.counted} were refused, "
        f"{_share(found.refused, found.n)}; at most {found.promised:.1%} was asked for. "
        f"{_verdict(found)} (exact binomial test, one-sided, p = {found.p_value:.3g})."
    )


def _verdict(found: Kept) -> str:
    if found.p_value < _REFUTED_BELOW:
        return (
            "That is more than chance explains: these images differ from the normal ones of the "
            "val split, by which the threshold was chosen"
        )
    return "That does not refute the promise"


def _escapes(outcomes: pd.DataFrame) -> str:
    judged = known(outcomes)
    defects = judged[judged["defect"].astype(bool) & judged["decision"].notna()]
    if defects.empty:
        return "No image of a defect was judged: how many escape is not known."
    passed = int((defects["decision"] == "pass").sum())
    return (
        f"Escapes at this threshold: {passed} of {len(defects)} images of defects were passed, "
        f"{_share(passed, len(defects))}."
    )


def _pixels(scorecard: Scorecard) -> str:
    if "pro" not in scorecard.metrics:
        return "No image says which pixels show its defect: nothing is known of the map's places."
    return (
        f"Places: PRO {scorecard.metrics['pro']:.3f}, the share of each region of a defect that "
        "is found, averaged over thresholds that take up to 30 % of the sound pixels for defects."
    )


def _share(count: int, n: int) -> str:
    low, high = (float(end) for end in wilson(count, n))
    return f"{count / n:.1%} (95 % interval {low:.1%} to {high:.1%})"
