"""What a model has to reach before it is deployed, and what its mistakes cost."""

import re
from typing import Literal

from pydantic import Field, model_validator

from vision_assets.vision.spec.base import Spec

CHAMPION_CHECK = "gate_champion"
"""Name of the asset check against the model that is deployed."""
_LEAST_OF_EACH = 10


class GateSpec(Spec):
    """What a model has to reach on the test split before it is deployed."""

    metric: str = Field(
        default="accuracy",
        description=(
            "A figure of the report: a metric of the task, a figure of one class such as "
            "`recall/scratch`, `escape_rate`, `overkill_rate`, `review_rate`, or `cost` a part."
        ),
    )
    min: float | None = Field(default=None, description="Smallest value that passes.")
    max: float | None = Field(default=None, description="Largest value that passes.")
    by: Literal["value", "bound"] = Field(
        default="value",
        description=(
            "value: what was measured is compared. bound: the end of its 95 % interval that is "
            "nearer to failing."
        ),
    )
    each: str | None = Field(
        default=None,
        description=(
            "`class`: holds for every class, with a figure such as recall. A column of the "
            "manifest, such as line: holds for every part of the images."
        ),
    )
    min_n: int | None = Field(
        default=None,
        ge=1,
        description=(
            "Images that a figure has to rest on; with fewer the gate is undecided, and what is "
            "undecided is not deployed. Default: 10 with `each`, otherwise 1."
        ),
    )
    name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_]+$",
        description="Name of the check behind `gate_`; default: from the metric.",
    )

    @model_validator(mode="after")
    def _has_one_limit(self) -> "GateSpec":
        if (self.min is None) == (self.max is None):
            raise ValueError(f"the gate on {self.metric!r} needs one of `min` and `max`")
        return self

    @property
    def check_name(self) -> str:
        """Name of its asset check; known from the YAML alone."""
        each = f"_each_{self.each}" if self.each else ""
        said = self.name or f"{self.metric}{each}{'_bound' if self.by == 'bound' else ''}"
        return f"gate_{re.sub(r'[^A-Za-z0-9_]', '_', said)}"

    @property
    def least_n(self) -> int:
        """Images that a figure has to rest on."""
        return self.min_n or (_LEAST_OF_EACH if self.each else 1)

    @property
    def limit(self) -> float:
        """The value at which it just passes."""
        found = self.max if self.min is None else self.min
        assert found is not None
        return found

    @property
    def asked(self) -> str:
        """What is asked for, in words."""
        what = f"{self.metric} of each {self.each}" if self.each else self.metric
        how = "95 % interval of " if self.by == "bound" else ""
        return f"{how}{what} {'at most' if self.min is None else 'at least'} {self.limit:g}"


class CostSpec(Spec):
    """What a wrong decision costs, in any one currency; thresholds are chosen by it."""

    escape: float = Field(default=20, gt=0, description="A defect part that was passed.")
    overkill: float = Field(default=1, gt=0, description="A good part that was refused.")
    review: float | None = Field(
        default=0.25,
        ge=0,
        description="A part that a person looks at; null: nobody does, every part is decided.",
    )


class ChampionSpec(Spec):
    """The gate against the model that is deployed: no worse than it, on the same test images."""

    metric: str = Field(
        default="accuracy",
        description="What is compared; a metric that has an interval in the report.",
    )
    margin: float = Field(
        default=0.05,
        ge=0,
        description=(
            "How much worse a model may be: the lower bound of the paired interval of new minus "
            "champion has to lie above minus this. 0 asks for a proof that it is better."
        ),
    )
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    min_n: int = Field(
        default=20, ge=1, description="With fewer images that both may be judged by: undecided."
    )
