"""The columns that YAML may name: those of every manifest, and those of a use case's own."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from vision_assets.vision.errors import SpecError
from vision_assets.vision.manifest import COLUMNS
from vision_assets.vision.spec.names import choice

if TYPE_CHECKING:
    from vision_assets.vision.spec.pipeline import PipelineSpec

_NO_ATTRIBUTES = frozenset({"label", "split"})


def attributes_said(spec: "PipelineSpec") -> frozenset[str] | None:
    """Names of the attributes that images get; None where a table that is not read yet has them."""
    if spec.source.csv is not None:
        return None
    groups = re.compile(spec.source.pattern or "").groupindex
    return frozenset(groups) - _NO_ATTRIBUTES


def check_columns(spec: "PipelineSpec") -> None:
    """Raise where slices or groups are of a column that no manifest of the use case will have.

    Raises:
        SpecError: it names the field.
    """
    for place, column in enumerate(spec.slices):
        check_column(spec, column, ("slices", place))
    attributes = attributes_said(spec)
    for place, name in enumerate(spec.splits.group_by):
        if attributes is not None and name not in attributes:
            raise SpecError(
                f"expected a named group of source.pattern, {choice(name, attributes)}",
                ("splits", "group_by", place),
            )


def check_column(
    spec: "PipelineSpec",
    column: str,
    field: tuple[str | int, ...],
    more: Collection[str] = (),
) -> None:
    """Raise where neither every manifest, nor `source.pattern`, nor `more` has this column.

    Raises:
        SpecError: it names the field.
    """
    attributes = attributes_said(spec)
    known = {*COLUMNS, *(attributes or ()), *more}
    if attributes is not None and column not in known:
        raise SpecError(
            "expected a column of the manifest or a named group of source.pattern, "
            f"{choice(column, known)}",
            field,
        )
