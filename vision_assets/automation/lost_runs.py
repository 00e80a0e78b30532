"""lost_runs: runs whose process is gone, and that nobody has marked as failed.

Dagster's code server notices when the process of a run dies. Where the server died before it, or
with it, the run would stay STARTED for ever, and hold its pool against all runs to come. A run that
the daemon had created and not yet queued when it died would stay NOT_STARTED, and what asked for it
would wait: Dagster goes on with its latest tick, which is another one where the clock was set back.
"""

import time
from pathlib import Path

import dagster as dg

INTERVAL_S = 30
START_WAIT_S = 300.0
"""A run that has not said so long after it was launched which process it is has none."""
_UNDER_WAY = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def lost_runs() -> dg.SensorDefinition:
    """Build the sensor `lost_runs`, one for all use cases."""

    @dg.sensor(
        name="lost_runs",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Marks runs as failed whose process has died unnoticed.",
    )
    def sense(context: dg.SensorEvaluationContext):
        lost = fail_lost_runs(context.instance)
        return dg.SkipReason(f"Runs without a process: {', '.join(lost) or 'none'}.")

    return sense


def fail_lost_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone, so that they are tried again.

    Returns:
        Their ids.
    """
    records = instance.get_run_records(dg.RunsFilter(statuses=_UNDER_WAY))
    lost = [record.dagster_run for record in records if _is_lost(instance, record)]
    for run in lost:
        instance.report_run_failed(run, "The process of this run died, and its server with it.")
    return [run.run_id for run in lost]


def _is_lost(instance: dg.DagsterInstance, record: dg.RunRecord) -> bool:
    process = _process_of(instance, record.dagster_run.run_id)
    if process is None:
        return abs(time.time() - record.update_timestamp.timestamp()) > START_WAIT_S
    return not _is_alive(process)


def _process_of(instance: dg.DagsterInstance, run_id: str) -> int | None:
    """The process that the run said last that it is."""
    events = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    for record in reversed(events):
        event = record.event_log_entry.get_dagster_event()
        said = event.engine_event_data.metadata.get("pid")
        if said is not None:
            return int(str(said.value))
    return None


def _is_alive(process: int) -> bool:
    """Whether a process of Python runs under that number, which may be another's by now."""
    if not Path("/proc/self").exists():
        return True  # not Linux: nothing is known
    try:
        command = Path("/proc", str(process), "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    # A process that has ended and was not waited for has no command line.
    return Path(command.split(b"\0")[0].decode()).name.startswith("python")
