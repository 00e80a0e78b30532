"""What one check said of a dataset version."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class ExpectationResult:
    """The outcome of one expectation; all values are JSON-ready.

    Attributes:
        name: unique among the checks of a use case.
        severity: `critical` blocks what comes after, `warning` does not.
        passed: whether the expectation holds.
        description: what was expected, in words.
        observed: what was found: a value, or a share in percent.
        unexpected_count: how many rows do not hold to it; None where rows are not counted.
        samples: a few of those rows, with `image_id` and `source` where they are images.
        exception: why it could not be computed, or None.
    """

    name: str
    severity: Literal["critical", "warning"]
    passed: bool
    description: str
    observed: Any = None
    unexpected_count: int | None = None
    samples: list[dict[str, Any]] = field(default_factory=list)
    exception: str | None = None
