"""The benchmarks name workers that there are, and those work."""

from pathlib import Path

import pytest

from benchmarks.rows import ROWS
from benchmarks.work import find, prepare, work

SMALL = (
    *("ingest.into_empty:20", "ingest.into_store:20", "ingest.version:20", "loading.definitions"),
    *("operation.tick:20", "operation.listing:20", "operation.use_cases:2"),
)


@pytest.mark.parametrize(
    "worker", sorted({w for row in ROWS.values() for w in (row.ours, row.other)})
)
def test_a_row_names_workers_that_there_are(worker: str):
    subject, name, _ = find(worker)
    assert callable(getattr(subject, name))
    assert callable(subject.prepare)


def test_a_copy_is_measured_in_bytes(tmp_path: Path):
    prepare("operation.copy:20", tmp_path)
    assert work("operation.copy:20", tmp_path)["mb_per_s"] > 0


@pytest.mark.parametrize("worker", SMALL)
def test_a_worker_measures_what_it_is_asked_for(worker: str, tmp_path: Path):
    prepare(worker, tmp_path)
    figures = work(worker, tmp_path)
    assert figures["seconds"] > 0
    assert figures["peak_mb"] > 0
