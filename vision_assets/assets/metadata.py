"""Dagster metadata for people: pictures, tables with bars, and checked results."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

MAX_PICTURE_BYTES = 90_000
"""An event in Dagster's log stays under about 100 KB."""


def picture(image: bytes, media_type: str = "image/png") -> dg.MarkdownMetadataValue:
    """A picture that Dagster's UI shows inline; says so when it is too large for an event."""
    if len(image) > MAX_PICTURE_BYTES:
        return dg.MetadataValue.md(
            f"The picture has {len(image):,} bytes, more than an event may hold; see the report."
        )
    encoded = base64.b64encode(image).decode()
    return dg.MetadataValue.md(f"![](data:{media_type};base64,{encoded})")


def counts_table(counts: Mapping[Any, int], heading: str) -> dg.MarkdownMetadataValue:
    """Counts as a table with bars, most first."""
    top = max(counts.values(), default=0) or 1
    rows = [
        f"| {name} | {count} | {'█' * max(1, round(20 * count / top))} |"
        for name, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    return dg.MetadataValue.md("\n".join([f"| {heading} | images | |", "|---|---:|:---|", *rows]))


def records_table(records: Iterable[Mapping[Any, Any]]) -> dg.MarkdownMetadataValue:
    """Rows of one shape as a table."""
    rows = list(records)
    if not rows:
        return dg.MetadataValue.md("none")
    names = list(rows[0])
    head = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    body = [f"| {' | '.join(_cell(row[name]) for name in names)} |" for row in rows]
    return dg.MetadataValue.md("\n".join(head + body))


def _cell(value: object) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
