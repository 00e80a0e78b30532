"""Where a better recipe is looked for."""

from typing import Any

from pydantic import Field, ValidationError, model_validator

from vision_assets.vision.spec.base import Spec
from vision_assets.vision.spec.recipe import Recipe


class RangeSpec(Spec):
    """Numbers between two bounds, both included."""

    low: int | float
    high: int | float
    log: bool = Field(default=False, description="Every order of magnitude is equally likely.")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> "RangeSpec":
        if not self.low < self.high:
            raise ValueError(f"expected low below high, got {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(
                f"log needs a low above 0, got {self.low:g}; raise it or leave out log"
            )
        return self


Space = dict[str, RangeSpec | tuple[bool | int | float | str, ...]]
"""Values that a search may give to fields of the recipe: a range, or a list of choices."""

_NOT_SEARCHED = {
    "seed": "a lucky seed is no better recipe",
    "device": "it does not make a model better",
}


class SearchSpec(Spec):
    """The search for a better recipe; materialized by hand."""

    trials: int = Field(
        default=20,
        ge=1,
        le=10_000,
        description="Trials of the study; what an earlier materialization did of them counts.",
    )
    parallel: int | None = Field(
        default=None,
        ge=1,
        description="Trials at a time; null: one for two cores, on CUDA one. At most one a core.",
    )
    timeout_minutes: float | None = Field(
        default=None, gt=0, description="No trial is begun after it; null: however long it takes."
    )
    seed: int = Field(default=0, ge=0)
    metric: str | None = Field(
        default=None,
        description=(
            "What is made better on the val split: loss, or a figure that the training watches, "
            "such as accuracy; null: the metric of the first gate if it is one of these, else "
            "loss."
        ),
    )
    space: Space = Field(
        default_factory=dict,
        description=(
            "Fields of the recipe that are searched, each with a range {low, high, log} or a list "
            "of values; all others stay. Empty: the task's own space."
        ),
    )


def checked_space(recipe: Recipe, space: Space) -> Space:
    """The space with its values as the recipe understands them.

    Raises:
        ValueError: a field of the space is none of the recipe, or a value is none of the field.
    """
    return {name: _checked_values(recipe, name, values) for name, values in space.items()}


def _checked_values(
    recipe: Recipe, name: str, values: RangeSpec | tuple[Any, ...]
) -> RangeSpec | tuple[Any, ...]:
    allowed = [field for field in type(recipe).model_fields if field not in _NOT_SEARCHED]
    if name not in allowed:
        why = _NOT_SEARCHED.get(name, "the recipe has no such field")
        raise ValueError(f"search.space.{name}: {why}; choose of {', '.join(allowed)}")
    if isinstance(values, RangeSpec):
        low, high = (_as_field(recipe, name, bound) for bound in (values.low, values.high))
        return RangeSpec(low=low, high=high, log=values.log)
    if not values:
        raise ValueError(f"search.space.{name}: expected at least one value, got none")
    return tuple(_as_field(recipe, name, value) for value in values)


def _as_field(recipe: Recipe, name: str, value: Any) -> Any:
    try:
        changed = type(recipe).model_validate(recipe.model_dump() | {name: value})
    except ValidationError as error:
        said = "; ".join(entry["msg"] for entry in error.errors())
        raise ValueError(
            f"search.space.{name}: {value!r} is no {name} of a recipe: {said}"
        ) from None
    return getattr(changed, name)
