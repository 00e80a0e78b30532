"""From the score of a defect to what becomes of the part: pass, refuse, or ask a person."""

from collections.abc import Mapping
from typing import Literal

PASS_BELOW = "pass_below"  # noqa: S105 (a threshold)
REFUSE_FROM = "refuse_from"

Decision = Literal["pass", "review", "refuse"]


def decide(defect_score: float, thresholds: Mapping[str, float]) -> Decision | None:
    """What becomes of a part.

    Args:
        defect_score: probability that the part is defect, 0..1.
        thresholds: `pass_below` and `refuse_from`; what lies between goes to a person.

    Returns:
        None where there are no thresholds.
    """
    if PASS_BELOW not in thresholds:
        return None
    if defect_score < thresholds[PASS_BELOW]:
        return "pass"
    return "refuse" if defect_score >= thresholds[REFUSE_FROM] else "review"
