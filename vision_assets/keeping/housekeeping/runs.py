"""Dagster's records and logs of runs that ended long ago."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import dagster as dg

from vision_assets.assets.runs import ENDED, use_cases_of
from vision_assets.home import Home
from vision_assets.keeping.housekeeping.item import Item
from vision_assets.vision.disk import size_of
from vision_assets.vision.spec.keep import KeepSpec

_PAGE = 200


def old_runs(
    home: Home, instance: dg.DagsterInstance, runs_days: Mapping[str, int | None]
) -> Iterator[Item]:
    """Runs that `keep.runs_days` of their use cases lets go, the oldest first.

    A run that holds the latest materialization of an asset stays: the assets below read it.

    Args:
        home: the home.
        instance: its Dagster instance.
        runs_days: by use case; None: for ever. A run of none of them follows the default, one of
            several stays as long as any of them asks for.
    """
    latest = _latest_runs(instance)
    default = KeepSpec().runs_days
    shortest = min(days for days in (*runs_days.values(), default) if days is not None)
    now = datetime.now(UTC)
    before = dg.RunsFilter(statuses=ENDED, created_before=now - timedelta(days=shortest))
    cursor = None
    while records := instance.get_run_records(before, _PAGE, ascending=True, cursor=cursor):
        cursor = records[-1].dagster_run.run_id
        for record in records:
            run = record.dagster_run
            owners = use_cases_of(run) & runs_days.keys()
            asked = [runs_days[name] for name in owners] or [default]
            days = max((each for each in asked if each is not None), default=0)
            age = now - record.create_timestamp.replace(tzinfo=UTC)
            if None not in asked and age.days >= days and run.run_id not in latest:
                owner = owners.pop() if len(owners) == 1 else ""
                why = f"ended over {days} days ago"
                yield _item(home, instance, run.run_id, owner, why)


def _item(home: Home, instance: dg.DagsterInstance, run_id: str, use_case: str, why: str) -> Item:
    size_bytes = sum(size_of(path) for path in _files(home, run_id) if path.exists())
    return Item("run", use_case, run_id, size_bytes, why, partial(_remove, home, instance, run_id))


def _remove(home: Home, instance: dg.DagsterInstance, run_id: str) -> None:
    """Logs, then the record with its events, then the file that held them.

    A kill in between leaves a record without logs, which the next time takes, or a file
    without a record, which `orphans` finds.
    """
    instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.delete_run(run_id)
    for path in _files(home, run_id)[1:]:
        path.unlink(missing_ok=True)


def orphans(home: Home, instance: dg.DagsterInstance) -> list[Path]:
    """Event files of runs that have no record any more."""
    found = (home.dagster / "history" / "runs").glob("*-*-*-*-*.db")
    return sorted(path for path in found if not instance.has_run(path.stem))


def _files(home: Home, run_id: str) -> list[Path]:
    """The folder of its logs, and the database of its events."""
    events = home.dagster / "history" / "runs"
    return [
        home.dagster / "storage" / run_id,
        *(events / f"{run_id}.db{end}" for end in ("", "-wal", "-shm")),
    ]


def _latest_runs(instance: dg.DagsterInstance) -> set[str]:
    """Runs that hold the latest materialization of an asset."""
    events = (instance.get_latest_materialization_event(key) for key in instance.all_asset_keys())
    return {event.run_id for event in events if event is not None}
