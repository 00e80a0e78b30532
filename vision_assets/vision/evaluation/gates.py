"""Gates: the least that a model has to reach before it is deployed."""

from collections.abc import Sequence
from dataclasses import dataclass

from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.spec import GateSpec


@dataclass(frozen=True)
class GateResult:
    """What one gate said.

    Attributes:
        metric: what was looked at.
        minimum: smallest value that passes.
        value: what the bundle reached.
        n: images that it was judged by.
    """

    metric: str
    minimum: float
    value: float
    n: int

    @property
    def passed(self) -> bool:
        """Whether the bundle may go on."""
        return self.value >= self.minimum

    @property
    def text(self) -> str:
        """The result in words."""
        if self.passed:
            return (
                f"{self.metric} is {self.value:.4f} on {self.n} images, "
                f"at least {self.minimum:g} as asked for"
            )
        return (
            f"{self.metric} is {self.value:.4f} on {self.n} images, {self.minimum:g} is asked "
            "for; look at the worst mistakes in the report, then add or mend labels, or train "
            "longer"
        )


def judge(scorecard: Scorecard, gates: Sequence[GateSpec]) -> list[GateResult]:
    """Hold a scorecard against gates, in their order.

    Raises:
        SpecError: a gate names a metric that the scorecard has not.
    """
    n = len(scorecard.predictions)
    return [GateResult(gate.metric, gate.min, scorecard.value(gate.metric), n) for gate in gates]
