"""Runs the expectations over a manifest with Great Expectations.

Pixels never pass through it: the tables are the manifest, the counts per class and split, and the
objects.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from vision_assets.quality.leakage import duplicates_agree, held_out, leakage
from vision_assets.quality.samples import json_ready, sample_rows
from vision_assets.quality.suite import CLASSES, LABELS, check_name, describe, named_columns, suite
from vision_assets.vision.dataset.build import count_images
from vision_assets.vision.dataset.object_table import object_table
from vision_assets.vision.expectation_result import ExpectationResult
from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID
from vision_assets.vision.spec import ClassSpec, ExpectationSpec, PipelineSpec

_N_SAMPLES = 10
_ABOUT_COLUMNS = ("expect_table_column_count", "expect_table_columns", "expect_column_to_exist")
_CONDITION_AS_TEXT = ".*(row_condition|condition_parser) parameter"
_RESULT_FORMAT: Any = {"result_format": "BASIC", "partial_unexpected_count": 20}


def validate(
    manifest: pd.DataFrame, spec: PipelineSpec, classes: Sequence[ClassSpec]
) -> list[ExpectationResult]:
    """Check a manifest.

    Args:
        manifest: one row per image.
        spec: says which expectations.
        classes: the classes in force.

    Returns:
        One result per check of `suite.checks(spec)`, in its order. An expectation that cannot be
        computed, such as one over a missing column, has not passed and says why.
    """
    entries = suite(spec)
    found = object_table(manifest, classes)
    shown = found.objects if spec.learns_from == "objects" else None
    tables = {
        "images": manifest.assign(n_objects=found.per_image),
        "counts": count_images(manifest, classes, spec.test_only(classes), shown),
        "objects": found.objects,
    }
    allowed = _allowed(spec, classes)
    results: dict[str, ExpectationResult] = {}
    for table, frame in tables.items():
        of_table = [_filled(entry, allowed) for entry in entries if entry.table == table]
        results |= {result.name: result for result in _run(frame, of_table)}
    ordered = [results[check_name(entry)] for entry in entries]
    return [*ordered, leakage(manifest), duplicates_agree(manifest), held_out(manifest)]


def _parts(
    frame: pd.DataFrame, entries: Sequence[ExpectationSpec]
) -> list[tuple[pd.DataFrame, list[ExpectationSpec]]]:
    """Expectations with as much of the table as they look at.

    Great Expectations hashes every value of a batch, so columns and rows that nothing looks at
    are left out: no rows where the expectation is about the columns themselves, and only the
    columns that are named elsewhere, unless a row condition may name any.
    """
    shape = [entry for entry in entries if entry.expectation.startswith(_ABOUT_COLUMNS)]
    rest = [entry for entry in entries if entry not in shape]
    named = {name for entry in rest for _, name in named_columns(entry)}
    free = any("row_condition" in entry.arguments for entry in rest)
    columns = [name for name in frame.columns if free or name in named]
    parts = [(frame.iloc[:0], shape), (_out_of_arrow(frame[columns]), rest)]
    return [(part, of_part) for part, of_part in parts if of_part]


def _out_of_arrow(frame: pd.DataFrame) -> pd.DataFrame:
    """Text as Python's: pandas turns Arrow text into that again for every question."""
    texts = frame.columns[[isinstance(type_, pd.StringDtype) for type_ in frame.dtypes]]
    return frame.astype(dict.fromkeys(texts, pd.StringDtype("python")))


def _allowed(spec: PipelineSpec, classes: Sequence[ClassSpec]) -> dict[str, list[Any]]:
    """What the placeholders of a suite stand for: ids and names of classes."""
    nothing = [(NOTHING_ID, NOTHING)] if spec.learns_from == "objects" else []
    pairs = [*((entry.id, entry.name) for entry in classes), *nothing]
    return {CLASSES: [number for number, _ in pairs], LABELS: [name for _, name in pairs]}


def _filled(entry: ExpectationSpec, values: Mapping[str, list[Any]]) -> ExpectationSpec:
    arguments = {
        name: values[value] if isinstance(value, str) and value in values else value
        for name, value in entry.arguments.items()
    }
    return entry.model_copy(update={"arguments": arguments, "name": check_name(entry)})


def _run(frame: pd.DataFrame, entries: Sequence[ExpectationSpec]) -> list[ExpectationResult]:
    with warnings.catch_warnings():
        # A row condition as text goes away with Great Expectations 2, which we do not take yet.
        warnings.filterwarnings("ignore", _CONDITION_AS_TEXT, DeprecationWarning)
        return [
            outcome if isinstance(outcome, ExpectationResult) else _result(entry, outcome, frame)
            for part, of_part in _parts(frame, entries)
            for entry, outcome in _outcomes(part, of_part)
        ]


def _outcomes(
    frame: pd.DataFrame, entries: Sequence[ExpectationSpec]
) -> Iterator[tuple[ExpectationSpec, Any]]:
    """What Great Expectations says; or a failed result where it refuses the arguments.

    Its results come back in another order than the suite's and are told apart by their meta.
    """
    by_name = {check_name(entry): entry for entry in entries}
    expectations = []
    for entry in entries:
        built = _build(entry)
        if isinstance(built, ExpectationResult):
            yield entry, built
        else:
            expectations.append(built)
    for outcome in _outcomes_of(expectations, frame):
        config: Any = outcome.expectation_config
        yield by_name[config.meta["check"]], outcome


def _outcomes_of(expectations: list[Any], frame: pd.DataFrame) -> list[Any]:
    import great_expectations as gx

    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_pandas("pandas").add_dataframe_asset("table")
    named = context.suites.add(gx.ExpectationSuite(name="table", expectations=expectations))
    definition = gx.ValidationDefinition(
        name="table", data=asset.add_batch_definition_whole_dataframe("whole"), suite=named
    )
    validated = definition.run(batch_parameters={"dataframe": frame}, result_format=_RESULT_FORMAT)
    return list(validated.results)


def _build(entry: ExpectationSpec) -> Any:
    """The expectation of Great Expectations, or a failed result when it refuses the arguments."""
    from great_expectations.expectations.registry import get_expectation_impl

    arguments = dict(entry.arguments)
    if arguments.get("row_condition") is not None:
        arguments["condition_parser"] = "pandas"
    try:
        return get_expectation_impl(entry.expectation)(
            **arguments, meta={"check": check_name(entry)}
        )
    except (ValueError, TypeError) as error:
        return _failed(entry, f"the arguments are refused: {error}")


def _failed(entry: ExpectationSpec, exception: str) -> ExpectationResult:
    return ExpectationResult(
        name=check_name(entry),
        severity=entry.severity,
        passed=False,
        description=describe(entry),
        exception=exception,
    )


def _result(entry: ExpectationSpec, outcome: Any, frame: pd.DataFrame) -> ExpectationResult:
    exception = _exception(outcome.exception_info)
    if exception is not None:
        return _failed(entry, exception)
    result = outcome.result
    return ExpectationResult(
        name=check_name(entry),
        severity=entry.severity,
        passed=bool(outcome.success),
        description=describe(entry),
        observed=_observed(result),
        unexpected_count=json_ready(result.get("unexpected_count")),
        samples=[] if outcome.success else _samples(entry, result, frame),
    )


def _exception(info: dict[str, Any]) -> str | None:
    """The message, whether the information is of the expectation or keyed by its metrics."""
    entries = [info] if "raised_exception" in info else list(info.values())
    messages = [entry.get("exception_message") for entry in entries if entry["raised_exception"]]
    return "; ".join(dict.fromkeys(str(message) for message in messages)) if messages else None


def _observed(result: dict[str, Any]) -> Any:
    if "observed_value" in result:
        return json_ready(result.get("details") or result["observed_value"])
    if "unexpected_percent" in result:
        return f"{result['unexpected_percent'] or 0:.3g} % unexpected"
    return None


def _samples(
    entry: ExpectationSpec, result: dict[str, Any], frame: pd.DataFrame
) -> list[dict[str, Any]]:
    """Rows that hold an unexpected value, found by the few values that are reported."""
    column = entry.arguments.get("column")
    if column not in frame or "partial_unexpected_list" not in result:
        return []
    rows = frame
    if entry.arguments.get("row_condition"):
        rows = rows.query(entry.arguments["row_condition"])
    values = [value for value in result["partial_unexpected_list"] if value is not None]
    hits = rows[rows[column].isin(values) if values else rows[column].isna()]
    shown = [name for name in ("image_id", "source", "label", "split", "n") if name in frame]
    return sample_rows(hits, [*shown, str(column)], _N_SAMPLES)
