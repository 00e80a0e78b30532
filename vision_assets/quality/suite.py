"""Which checks a dataset version has to pass: a default suite, extended or replaced from YAML.

Great Expectations is not imported here: the definitions know every check's name before it is
needed.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from vision_assets.quality.check_names import DUPLICATE_LABELS, HELD_OUT_IMAGES, LEAKAGE
from vision_assets.quality.expectation_table import EXPECTATIONS
from vision_assets.vision.errors import SpecError
from vision_assets.vision.manifest import ANNOTATION_COLUMNS, STORE_COLUMNS, VERSION_COLUMNS
from vision_assets.vision.spec import ExpectationSpec, PipelineSpec
from vision_assets.vision.spec.columns import check_column
from vision_assets.vision.spec.names import choice

_CHECK_NAME = re.compile(r"[A-Za-z0-9_]+")
CLASSES = "$classes"
LABELS = "$labels"
"""Arguments that stand for the ids and the names of the classes when the check runs."""
TABLES = {
    "counts": ("label", "class_id", "split", "n", "total"),
    "objects": (
        *("image_id", "class_id", "label", "width", "height", "area_share", "ratio", "split"),
    ),
}
"""Columns of the tables beside the manifest."""
_ASKS_FOR_COLUMNS = frozenset(("expect_column_to_exist",))


@dataclass(frozen=True)
class Check:
    """What is known of a check before it runs."""

    name: str
    severity: Literal["critical", "warning"]
    description: str


def checks(spec: PipelineSpec) -> tuple[Check, ...]:
    """Every check of a dataset version, the suite's and those of leakage.

    Raises:
        SpecError: YAML names an unknown expectation or argument, or two checks alike.
    """
    expected = [Check(check_name(entry), entry.severity, describe(entry)) for entry in suite(spec)]
    return (
        *expected,
        Check(LEAKAGE, "critical", "no group and no near duplicate is in two splits"),
        Check(DUPLICATE_LABELS, "warning", "images of the same picture have the same label"),
        Check(HELD_OUT_IMAGES, "warning", "no labelled image is held out of the splits"),
    )


def suite(spec: PipelineSpec) -> tuple[ExpectationSpec, ...]:
    """The default expectations, those of YAML of the same name in their place, others behind.

    Raises:
        SpecError: YAML names an unknown expectation or argument, or two checks alike.
    """
    for place, entry in enumerate(spec.expectations):
        _check(entry, ("expectations", place))
    named = {check_name(entry): entry for entry in spec.expectations}
    _check_names([check_name(entry) for entry in spec.expectations])
    default = {check_name(entry): entry for entry in _default(spec)}
    return tuple((default | named).values())


def check_tables(spec: PipelineSpec) -> None:
    """Raise where an expectation is about a column that its table will not have.

    Raises:
        SpecError: it names the field.
    """
    for place, entry in enumerate(spec.expectations):
        asked = [] if entry.expectation in _ASKS_FOR_COLUMNS else named_columns(entry)
        for argument, column in asked:
            field = ("expectations", place, "arguments", argument)
            if entry.table == "images":
                check_column(spec, column, field, more=("n_objects",))
            elif column not in TABLES[entry.table]:
                known = choice(column, TABLES[entry.table])
                raise SpecError(f"expected a column of the table {entry.table}, {known}", field)


def check_name(entry: ExpectationSpec) -> str:
    """The name given, or the expectation's without `expect_`, and its column."""
    if entry.name is not None:
        return entry.name
    column = entry.arguments.get("column")
    parts = [entry.expectation.removeprefix("expect_"), str(column) if column else ""]
    return re.sub(r"\W", "_", "_".join(part for part in parts if part))


def describe(entry: ExpectationSpec) -> str:
    """The expectation in words: `column values to be between (column=width, min_value=16)`."""
    words = entry.expectation.removeprefix("expect_").replace("_", " ")
    arguments = ", ".join(f"{name}={_short(value)}" for name, value in entry.arguments.items())
    return f"{words} ({arguments})"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _default(spec: PipelineSpec) -> tuple[ExpectationSpec, ...]:
    columns = [*STORE_COLUMNS, *ANNOTATION_COLUMNS, *VERSION_COLUMNS]
    rules, shares = spec.images, spec.splits
    small_side = {"min_value": rules.min_side_px}
    wanted = [split for split in ("train", "val", "test") if getattr(shares, split) > 0]
    return (
        _images("columns", "table_columns_to_match_set", column_set=columns, exact_match=False),
        _images("image_ids_present", "column_values_to_not_be_null", column="image_id"),
        _images("image_ids_unique", "column_values_to_be_unique", column="image_id"),
        _images("classes_known", "column_values_to_be_in_set", "class_id", value_set=CLASSES),
        _images("label_set", "column_values_to_be_in_set", "label", value_set=LABELS),
        _images("labels_missing", "column_values_to_not_be_null", "label", "warning", mostly=0.9),
        _images("widths", "column_values_to_be_between", "width", "warning", **small_side),
        _images("heights", "column_values_to_be_between", "height", "warning", **small_side),
        _images(
            *("brightness", "column_values_to_be_between", "brightness", "warning"),
            **{"min_value": 10, "max_value": 245, "mostly": 0.99},
        ),
        _images(
            *("sharpness", "column_values_to_be_between", "sharpness", "warning"),
            **{"min_value": 0.5, "mostly": 0.99},
        ),
        *(_counts(f"{split}_images_per_class", split) for split in wanted),
        ExpectationSpec(
            name="classes_without_images",
            expectation="expect_column_values_to_be_between",
            table="counts",
            arguments={"column": "total", "min_value": 1},
            severity="warning",
        ),
        *(_of_objects() if spec.learns_from == "objects" else ()),
    )


def _of_objects() -> tuple[ExpectationSpec, ...]:
    """Of tasks that learn from objects."""
    crowded = {"max_value": 300, "mostly": 0.99}
    some_length = {"min_value": 0, "strict_min": True}
    return (
        _images("images_with_objects", "column_max_to_be_between", "n_objects", min_value=1),
        _images(
            *("objects_per_image", "column_values_to_be_between", "n_objects", "warning"),
            **crowded,
        ),
        _objects("object_classes_known", "in_set", "class_id", value_set=CLASSES),
        _objects("object_widths", "between", "width", **some_length),
        _objects("object_heights", "between", "height", **some_length),
        _objects("object_areas", "between", "area_share", max_value=1.0001),
    )


def _images(
    name: str,
    expectation: str,
    column: str | None = None,
    severity: Literal["critical", "warning"] = "critical",
    **arguments: Any,
) -> ExpectationSpec:
    of_column = {} if column is None else {"column": column}
    return ExpectationSpec(
        name=name,
        expectation=f"expect_{expectation}",
        arguments=of_column | arguments,
        table="images",
        severity=severity,
    )


def _objects(name: str, what: str, column: str, **arguments: Any) -> ExpectationSpec:
    expectation = f"expect_column_values_to_be_{what}"
    return ExpectationSpec(
        name=name,
        expectation=expectation,
        table="objects",
        arguments={"column": column} | arguments,
    )


def _counts(name: str, split: str) -> ExpectationSpec:
    """Every class that has images has some in this split; without them nothing is trained."""
    return ExpectationSpec(
        name=name,
        expectation="expect_column_values_to_be_between",
        table="counts",
        arguments={
            "column": "n",
            "min_value": 1,
            "row_condition": f"split == '{split}' and total > 0",
        },
        severity="critical" if split == "train" else "warning",
    )


def _check(entry: ExpectationSpec, field: tuple[str | int, ...]) -> None:
    if entry.expectation not in EXPECTATIONS:
        raise SpecError(
            "expectations: expected an expectation of Great Expectations, "
            f"{choice(entry.expectation, EXPECTATIONS)}",
            (*field, "expectation"),
        )
    required, optional = (set(names.split()) for names in EXPECTATIONS[entry.expectation])
    unknown, missing = set(entry.arguments) - required - optional, required - set(entry.arguments)
    if unknown or missing:
        raise SpecError(
            f"expectations: {entry.expectation} takes {sorted(required)} and may take "
            f"{sorted(optional)}; unknown: {sorted(unknown)}, missing: {sorted(missing)}",
            (*field, "arguments"),
        )


def named_columns(entry: ExpectationSpec) -> list[tuple[str, str]]:
    """The columns that an expectation is about, each with the argument that names it."""
    arguments = entry.arguments
    single = [(name, arguments.get(name)) for name in ("column", "column_A", "column_B")]
    several = [("column_list", name) for name in arguments.get("column_list", [])]
    return [(argument, str(name)) for argument, name in [*single, *several] if name is not None]


def _check_names(names: Iterable[str]) -> None:
    own = {LEAKAGE, DUPLICATE_LABELS, HELD_OUT_IMAGES}
    for name, n in Counter(names).items():
        if n > 1 or name in own:
            raise SpecError(f"expectations: two checks are named {name!r}; set `name` of one")
        if not _CHECK_NAME.fullmatch(name):
            raise SpecError(
                f"expectations: a name holds letters, digits and underscores, got {name!r}"
            )
