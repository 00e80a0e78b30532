"""What was judged, as JSON for `scorecard.json` and as text for the page."""

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.figure import Interval
from vision_assets.vision.evaluation.gates import GateResult

if TYPE_CHECKING:
    from vision_assets.vision.evaluation.champion import Contest


def gate_json(gate: GateResult) -> dict[str, Any]:
    """A gate's result; what is not known is null."""
    cases = [
        {"subject": case.subject, "verdict": case.verdict, **interval_json(case.found)}
        for case in gate.cases
    ]
    return asdict(gate) | {"passed": gate.passed, "cases": cases}


def judgement_json(evidence: Evidence | None, contest: "Contest | None") -> dict[str, Any]:
    """Intervals by figure, costs, what decisions led to, and the comparison with the champion."""
    found: dict[str, Any] = {}
    if evidence is not None:
        reached = evidence.consequences
        found = {
            "intervals": {
                name: interval_json(interval) for name, interval in evidence.intervals.items()
            },
            "costs": evidence.costs.model_dump(),
            "thresholds": evidence.scorecard.card.thresholds,
            "consequences": None if reached is None else asdict(reached),
        }
    if contest is not None:
        found["champion"] = {
            "bundle_id": contest.champion.bundle_id,
            "n": len(contest.images.rows),
            "left_out_as_trained_on": contest.images.trained_on,
            "left_out_as_unknown_class": contest.images.unknown_class,
            **contest.comparison.counts,
            "figures": contest.figures.to_dict("records"),
        }
    return found


def interval_json(interval: Interval) -> dict[str, float | int | None]:
    """An interval; what is not known is null."""
    return {name: None if math.isnan(value) else value for name, value in asdict(interval).items()}


def number(value: float) -> str:
    """A figure as people read it."""
    return "not known" if math.isnan(value) else f"{value:.4f}"


def span(interval: Interval) -> str:
    """Both ends of an interval as people read them."""
    if math.isnan(interval.low):
        return "not known"
    return f"{interval.low:.4f} to {interval.high:.4f}"
