"""What runs and what does not: the endpoint, Dagster's daemon, sensors, and runs that failed."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus

from vision_assets.assets.runs import use_cases_of
from vision_assets.automation import housekeeping
from vision_assets.automation.failures import RunError, error_of
from vision_assets.vision.use_case import UseCase

SHARED = ("interrupted_trainings", "lost_runs", "alerts", "alert_delivery", housekeeping.SCHEDULE)
"""Sensors and schedules of all use cases together."""
HEARTBEAT_S = 180.0
"""A daemon that has said nothing for so long does not run; it speaks every 30 s."""
_LOOKED_AT = 100
_LONG_S, _TIMES_AS_LONG = 6 * 3600.0, 5
"""A run is slow that takes so many times as long as the last of its job, and longer than that."""
_LONG_WITHOUT_ANY_S = 24 * 3600.0


class Daemon(StrEnum):
    """Whether Dagster's daemon runs."""

    RUNNING = "running"
    STOPPED = "stopped"
    NEVER_STARTED = "never started"


@dataclass(frozen=True)
class FailedRun:
    """A run that failed, and that nothing has made up for since.

    Attributes:
        run_id: of Dagster.
        at: when it ended, UTC.
        job: its name.
        error: why.
    """

    run_id: str
    at: datetime
    job: str
    error: RunError


def daemon(instance: dg.DagsterInstance, now_s: float | None = None) -> Daemon:
    """Whether the daemon that ticks sensors runs, by its heartbeat."""
    heartbeat = instance.get_daemon_heartbeats().get("SENSOR")
    if heartbeat is None:
        return Daemon.NEVER_STARTED
    silent_s = (time.time() if now_s is None else now_s) - heartbeat.timestamp
    return Daemon.RUNNING if silent_s < HEARTBEAT_S else Daemon.STOPPED


def stopped_by_hand(instance: dg.DagsterInstance, use_case: UseCase) -> list[str]:
    """Sensors and schedules that the YAML switches on and that a person has switched off."""
    triggers, schedule = use_case.spec.triggers, use_case.spec.schedule
    wanted = {
        f"{use_case.name}_new_images": triggers.new_images,
        f"{use_case.name}_enough_new_images": triggers.by_images,
        f"{use_case.name}_retrain_schedule": schedule.enabled,
        f"{use_case.name}_status": True,
        **dict.fromkeys(SHARED, True),
    }
    return sorted(name for name, on in switches(instance).items() if wanted.get(name) and not on)


def switches(instance: dg.DagsterInstance) -> dict[str, bool]:
    """Sensors and schedules that a person has switched on or off in the UI, by name."""
    by_hand = {InstigatorStatus.RUNNING, InstigatorStatus.STOPPED}
    states = instance.all_instigator_state(instigator_statuses=by_hand)
    return {state.name: state.status is InstigatorStatus.RUNNING for state in states}


def last_failed_run(instance: dg.DagsterInstance, use_case: UseCase) -> FailedRun | None:
    """The last run that failed and that nothing has made up for; housekeeping is everybody's."""
    filters = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE])
    for record in instance.get_run_records(filters, limit=_LOOKED_AT):
        run = record.dagster_run
        if (run.job_name == housekeeping.JOB or use_case.name in use_cases_of(run)) and (
            failed := _unless_mended(instance, use_case, record)
        ):
            return failed
    return None


def slow_runs(
    instance: dg.DagsterInstance, use_case: UseCase, now_s: float | None = None
) -> list[str]:
    """Runs under way for much longer than their job takes, in words: a hung one ends by no error.

    Nothing is ended by itself: only a person knows whether it works, and it holds its pool.
    """
    at_s = time.time() if now_s is None else now_s
    under_way = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])
    return [
        f"Run {record.dagster_run.run_id[:8]} of {record.dagster_run.job_name} is under way since "
        f"{datetime.fromtimestamp(record.start_time, UTC):%Y-%m-%d %H:%M} UTC"
        for record in instance.get_run_records(under_way)
        if record.start_time is not None
        and use_case.name in use_cases_of(record.dagster_run)
        and at_s - record.start_time > _patience_s(instance, use_case, record.dagster_run.job_name)
    ]


def _patience_s(instance: dg.DagsterInstance, use_case: UseCase, job: str) -> float:
    """How long a run of a job may take before somebody has to look."""
    done = dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS])
    for record in instance.get_run_records(done, limit=_LOOKED_AT):
        is_ours = use_case.name in use_cases_of(record.dagster_run)
        if is_ours and record.start_time and record.end_time:
            return max(_LONG_S, _TIMES_AS_LONG * (record.end_time - record.start_time))
    return _LONG_WITHOUT_ANY_S


def _unless_mended(
    instance: dg.DagsterInstance, use_case: UseCase, record: dg.RunRecord
) -> FailedRun | None:
    run = record.dagster_run
    ended_s = record.end_time or record.create_timestamp.timestamp()
    error = error_of(instance, run.run_id)
    mended = (
        _made_since(instance, error.asset, ended_s)
        if error.step and run.job_name != housekeeping.JOB
        else _succeeded_since(instance, use_case, run.job_name, ended_s)
    )
    at = datetime.fromtimestamp(ended_s, UTC)
    return None if mended else FailedRun(run.run_id, at, run.job_name, error)


def _made_since(instance: dg.DagsterInstance, asset: str, since_s: float) -> bool:
    event = instance.get_latest_materialization_event(dg.AssetKey.from_user_string(asset))
    return event is not None and event.timestamp > since_s


def _succeeded_since(
    instance: dg.DagsterInstance, use_case: UseCase, job: str, since_s: float
) -> bool:
    since = datetime.fromtimestamp(since_s, UTC)
    success = [dg.DagsterRunStatus.SUCCESS]
    filters = dg.RunsFilter(job_name=job, statuses=success, updated_after=since)
    runs = instance.get_runs(filters, limit=_LOOKED_AT)
    return any(job == housekeeping.JOB or use_case.name in use_cases_of(run) for run in runs)
