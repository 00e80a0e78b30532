"""Writes `expectation_table.py` from the installed Great Expectations.

    python -m vision_assets.quality.expectation_scan

Run it after Great Expectations was updated; a test compares the table with what it would write.
"""

import textwrap
from pathlib import Path
from typing import Any

_COMMON = frozenset(
    ("id", "meta", "notes", "description", "severity", "batch_id", "windows", "rendered_content")
) | {"result_format", "catch_exceptions", "library_metadata", "condition_parser"}
_NEED_A_DATABASE = frozenset(
    (
        "expect_column_values_to_match_like_pattern",
        "expect_column_values_to_match_like_pattern_list",
        "expect_column_values_to_not_match_like_pattern",
        "expect_column_values_to_not_match_like_pattern_list",
        "expect_query_results_to_match_comparison",
        "expect_table_row_count_to_equal_other_table",
        "unexpected_rows_expectation",
    )
)


def scan() -> dict[str, tuple[str, str]]:
    """Required and optional arguments of every expectation that works on a data frame."""
    import great_expectations.expectations.core as core
    from great_expectations.expectations import registry

    found = {}
    for name in sorted(registry.list_registered_expectation_implementations()):
        implementation = registry.get_expectation_impl(name)
        if name in _NEED_A_DATABASE or not implementation.__module__.startswith(core.__name__):
            continue
        fields: Any = implementation.__fields__
        arguments = sorted(set(fields) - _COMMON)
        required = [argument for argument in arguments if fields[argument].required]
        optional = [argument for argument in arguments if not fields[argument].required]
        found[name] = (" ".join(required), " ".join(optional))
    return found


def source(table: dict[str, tuple[str, str]]) -> str:
    """The text of `expectation_table.py`."""
    lines = [
        '"""Every expectation of Great Expectations that works on a data frame, by name.',
        "",
        "Lets YAML be checked without importing Great Expectations. Written by",
        "`python -m vision_assets.quality.expectation_scan`; a test keeps it true.",
        '"""',
        "",
        "EXPECTATIONS: dict[str, tuple[str, str]] = {",
    ]
    for name, (required, optional) in table.items():
        *head, last = textwrap.wrap(optional, 80) or [""]
        lines += [f'    "{name}": (', f'        "{required}",']
        lines += [f'        "{line} "' for line in head] + [f'        "{last}",', "    ),"]
    lines += ["}", '"""Name: required arguments, optional arguments, separated by spaces."""', ""]
    return "\n".join(lines)


if __name__ == "__main__":
    Path(__file__).with_name("expectation_table.py").write_text(source(scan()))
