"""What a scored folder looks like, for people."""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from vision_assets.vision.pictures import contact_sheet

_READ = ("path", "label", "score", "decision", "refused")
UNDECIDED = "none"
"""The decision of a bundle that has no thresholds."""


@dataclass
class ScoreSummary:
    """Counts of a scored folder.

    Attributes:
        labels: answered files by label.
        decisions: answered files by decision.
        refused: other files by reason.
        least_sure: (path, label, score) of the answers with the lowest score, lowest first.
    """

    labels: Counter[str] = field(default_factory=Counter)
    decisions: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    least_sure: list[tuple[str, str, float]] = field(default_factory=list)


def summarise(scores: Path, n_least_sure: int = 12) -> ScoreSummary:
    """Read a Parquet file of answers, a batch at a time."""
    summary = ScoreSummary()

    def answered() -> Iterator[tuple[str, str, float]]:
        for path, label, score, decision, refused in _rows(scores):
            if refused is not None:
                summary.refused[refused] += 1
                continue
            summary.labels[label] += 1
            summary.decisions[decision or UNDECIDED] += 1
            yield path, label, score

    summary.least_sure = heapq.nsmallest(n_least_sure, answered(), key=lambda row: row[2])
    return summary


def least_sure_sheet(summary: ScoreSummary, folder: Path) -> bytes | None:
    """The least sure answers as a contact sheet, JPEG; None where there is no answer.

    Args:
        summary: of the folder.
        folder: with the images; one that is gone since is left out.
    """
    shown = [
        ((folder / path).read_bytes(), f"{label} {score:.2f}")
        for path, label, score in summary.least_sure
        if (folder / path).is_file()
    ]
    return contact_sheet(shown) if shown else None


def _rows(scores: Path) -> Iterator[tuple[str, str, float, str | None, str | None]]:
    with pq.ParquetFile(scores) as file:
        for batch in file.iter_batches(columns=list(_READ)):
            yield from zip(*(batch[name].to_pylist() for name in _READ), strict=True)
