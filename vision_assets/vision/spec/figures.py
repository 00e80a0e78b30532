"""The figures that gates and the champion may name, known before anything is trained."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vision_assets.vision.errors import SpecError
from vision_assets.vision.spec.columns import check_column
from vision_assets.vision.spec.gates import GateSpec
from vision_assets.vision.spec.names import choice

if TYPE_CHECKING:
    from vision_assets.vision.spec.pipeline import PipelineSpec

OF_DECISIONS = frozenset({"escape_rate", "overkill_rate", "review_rate", "cost"})
LATENCIES = frozenset({"latency_p50_ms", "latency_p95_ms"})
EACH_CLASS = "class"


@dataclass(frozen=True)
class FigureNames:
    """What a task measures.

    Attributes:
        sampled: of all images, computed from the outcomes of single ones: with an interval.
        other: of all images, without one.
        of_class: of one class, as in `recall/scratch`.
    """

    sampled: frozenset[str]
    other: frozenset[str]
    of_class: frozenset[str]


def check_figures(spec: "PipelineSpec") -> None:
    """Raise where a gate or the champion asks for what no report of the task has.

    Raises:
        SpecError: it names the field.
    """
    names = spec.measures
    if names is None:
        return
    for place, gate in enumerate(spec.gates):
        _check_gate(spec, names, gate, ("gates", place))
    if spec.champion is not None:
        known = names.sampled | OF_DECISIONS
        _check(spec.champion.metric, known, names, ("champion", "metric"))


def _check_gate(
    spec: "PipelineSpec", names: FigureNames, gate: GateSpec, field: tuple[str | int, ...]
) -> None:
    metric = (*field, "metric")
    if gate.each == EACH_CLASS:
        known = names.of_class | OF_DECISIONS
        if gate.metric not in known:
            raise SpecError(f"expected of each class {choice(gate.metric, known)}", metric)
        return
    if gate.each is not None:
        check_column(spec, gate.each, (*field, "each"), more=(EACH_CLASS,))
    known = names.sampled | OF_DECISIONS
    if gate.each is None and gate.by == "value":
        known |= names.other | LATENCIES
    _check(gate.metric, known, names, metric)


def _check(
    metric: str, known: frozenset[str], names: FigureNames, field: tuple[str | int, ...]
) -> None:
    figure, of, label = metric.partition("/")
    of_class = names.of_class | OF_DECISIONS
    if of and (figure not in of_class or not label):
        raise SpecError(f"expected before a /<class> {choice(figure, of_class)}", field)
    if not of and metric not in known:
        raise SpecError(f"expected {choice(metric, known)}", field)
