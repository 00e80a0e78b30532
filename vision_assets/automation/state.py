"""Runs of Dagster as automation sees them: the latest of a job, and which is alive."""

import os
from pathlib import Path

import dagster as dg

PROCESS_TAG = "vision_assets/process"
_START_FIELD = 19
"""Of /proc/<pid>/stat behind the name of the process: when it began, proc(5)."""


def is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run has ended, one way or another, or is not known."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def runs_of(
    instance: dg.DagsterInstance,
    job_name: str,
    statuses: list[dg.DagsterRunStatus],
    tags: dict[str, str] | None = None,
    limit: int = 1,
) -> list[dg.DagsterRun]:
    """The latest runs of a job in any of the statuses."""
    filters = dg.RunsFilter(job_name=job_name, statuses=statuses, tags=tags or {})
    return list(instance.get_runs(filters, limit=limit))


def this_process() -> str:
    """This process for the tag of a run that it executes itself: its id and when it began."""
    return _process(os.getpid()) or str(os.getpid())


def is_at_work(run: dg.DagsterRun) -> bool:
    """Whether the process lives that executes the run by itself, without a server of Dagster."""
    said = run.tags.get(PROCESS_TAG)
    return said is not None and _process(int(said.partition(":")[0])) == said


def is_left_behind(run: dg.DagsterRun) -> bool:
    """Whether the process that executed the run by itself has died without a word."""
    return PROCESS_TAG in run.tags and not is_at_work(run)


def _process(pid: int) -> str | None:
    """Id and start of a process; an id alone comes again."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return f"{pid}:{fields[_START_FIELD]}"
