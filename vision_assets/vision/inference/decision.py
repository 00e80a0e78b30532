"""From the score of a defect to what becomes of the part: pass, refuse, or ask a person."""

from collections.abc import Mapping
from typing import Literal

PASS_BELOW = "pass_below"  # noqa: S105 (a threshold)
REFUSE_FROM = "refuse_from"

ORIGIN = "thresholds"
"""Option of a bundle's card that says where its thresholds come from."""
ON_VAL = "on_val_"
"""What the options of a card begin with that say what its thresholds led to on the val split."""

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


def led_to(options: Mapping[str, str]) -> dict[str, float]:
    """Rates of escapes, overkill and reviews on the val split, and the cost of a part there.

    Args:
        options: of a card; those of earlier releases say nothing of it.
    """
    return {
        name.removeprefix(ON_VAL): float(said)
        for name, said in options.items()
        if name.startswith(ON_VAL)
    }
