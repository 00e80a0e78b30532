"""Gates: what a model has to reach before it is deployed.

A gate passes, fails, or is undecided: too few images say something about it. What is undecided
is not deployed.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from vision_assets.vision.errors import SpecError
from vision_assets.vision.evaluation.costs import DECISION_FIGURES
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.figure import Interval
from vision_assets.vision.spec import GateSpec

Verdict = Literal["passed", "failed", "undecided"]
CLASSES = "class"
"""What a gate's `each` says for a floor on every class."""
_LOOK = (
    "look at the worst mistakes in the report, then add or mend labels, or train longer; what "
    "fails is not deployed"
)
NOT_DEPLOYED = "what is undecided is not deployed"


@dataclass(frozen=True)
class Case:
    """One figure that a gate looked at.

    Attributes:
        subject: what it is a figure of, such as a class; empty for all images.
        found: the figure.
        verdict: what the gate says of it alone.
    """

    subject: str
    found: Interval
    verdict: Verdict


@dataclass(frozen=True)
class GateResult:
    """What one gate said.

    Attributes:
        name: of its check.
        asked: what is asked for, in words.
        verdict: what it said.
        text: the result in words, with what to do about it.
        cases: the figures that it looked at.
    """

    name: str
    asked: str
    verdict: Verdict
    text: str
    cases: tuple[Case, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the bundle may go on."""
        return self.verdict == "passed"

    @property
    def value(self) -> float | None:
        """The figure, where it looked at a single one that was seen."""
        seen = [case.found.value for case in self.cases if not math.isnan(case.found.value)]
        return seen[0] if len(self.cases) == len(seen) == 1 else None


def judge(evidence: Evidence, gates: Sequence[GateSpec]) -> list[GateResult]:
    """Hold what was found against gates, in their order.

    Raises:
        SpecError: a gate names a metric, or a column of the manifest, that there is not, or asks
            for the interval of a metric that has none.
    """
    return [_result(gate, _cases(gate, evidence), evidence) for gate in gates]


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """Failed before undecided before passed; undecided where there is none."""
    for verdict in ("failed", "undecided"):
        if verdict in verdicts:
            return verdict
    return "passed" if verdicts else "undecided"


def _cases(gate: GateSpec, evidence: Evidence) -> tuple[Case, ...]:
    if gate.each is None:
        found = {"": evidence.interval(gate.metric)}
    elif gate.each == CLASSES:
        labels = evidence.labels(gate.metric)
        found = {label: evidence.interval(f"{gate.metric}/{label}") for label in labels}
    else:
        found = evidence.of_parts(gate.metric, gate.each)
    if gate.by == "bound" and any(_has_no_interval(interval) for interval in found.values()):
        raise SpecError(
            f"expected a metric with an interval of {sorted(evidence.intervals)}, got "
            f"{gate.metric!r}; write `by: value` in the gate, or name another metric"
        )
    return tuple(Case(name, interval, _verdict(gate, interval)) for name, interval in found.items())


def _verdict(gate: GateSpec, found: Interval) -> Verdict:
    value = found.value
    if gate.by == "bound":
        value = found.high if gate.min is None else found.low
    if found.n < gate.least_n or math.isnan(value):
        return "undecided"
    return "passed" if _within(gate, value) else "failed"


def _within(gate: GateSpec, value: float) -> bool:
    return value <= gate.limit if gate.min is None else value >= gate.limit


def _has_no_interval(found: Interval) -> bool:
    return not math.isnan(found.value) and math.isnan(found.low)


def _result(gate: GateSpec, cases: tuple[Case, ...], evidence: Evidence) -> GateResult:
    verdict = worst([case.verdict for case in cases])
    told = "; ".join(_told(gate, case) for case in cases if case.verdict == verdict)
    if verdict == "failed":
        text = f"{told}; {_limit(gate)} is asked for: {_LOOK}"
    elif verdict == "undecided":
        text = f"undecided: {_why_undecided(gate, told, evidence)}; {NOT_DEPLOYED}"
    elif gate.each:
        text = f"{gate.asked}: so in all {len(cases)}"
    else:
        text = f"{told}, {_limit(gate)} as asked for"
    return GateResult(gate.check_name, gate.asked, verdict, text, cases)


def _why_undecided(gate: GateSpec, told: str, evidence: Evidence) -> str:
    if gate.metric.partition("/")[0] in DECISION_FIGURES and evidence.decides_nothing:
        return f"the bundle has no thresholds ({evidence.decides_nothing}): remove this gate"
    few = told or f"no image says anything about {gate.metric}"
    return f"{few}; {gate.least_n} images are asked for: label more such images or lower min_n"


def _limit(gate: GateSpec) -> str:
    return f"{'at most' if gate.min is None else 'at least'} {gate.limit:g}"


def _told(gate: GateSpec, case: Case) -> str:
    found = case.found
    of = f" of {case.subject}" if case.subject else ""
    if math.isnan(found.value):
        return f"{gate.metric}{of} is not known"
    interval = "" if math.isnan(found.low) else f" ({found.low:.4f} to {found.high:.4f})"
    return f"{gate.metric}{of} is {found.value:.4f}{interval} on {found.n} images"
