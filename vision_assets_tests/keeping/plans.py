"""What tests of housekeeping ask of a plan."""

from typing import Any

from vision_assets.keeping.housekeeping.housekeeping import Plan
from vision_assets.vision.spec.keep import KeepSpec
from vision_assets.vision.use_case import UseCase


def case_with(parts: UseCase, **keep: Any) -> UseCase:
    """The use case with other values in its section `keep`."""
    spec = parts.spec.model_copy(update={"keep": KeepSpec(**keep)})
    return UseCase(parts.name, parts.task, spec)


def names(found: Plan, kind: str) -> set[str]:
    """Of the things of a kind that would go."""
    return {item.name for item in found.items if item.kind == kind}
