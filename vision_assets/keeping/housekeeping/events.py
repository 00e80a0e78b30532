"""Materializations that no run made, such as the texts of `status`: they go with no run."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

from vision_assets.keeping.housekeeping.item import Item


def old_events(instance: dg.DagsterInstance, runs_days: Mapping[str, int | None]) -> Iterator[Item]:
    """Materializations of no run that `keep.runs_days` lets go; the latest of each asset stays.

    Args:
        instance: the home's Dagster instance.
        runs_days: by use case; None: for ever.

    Raises:
        TypeError: the instance keeps its events in no SQL database.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"expected an event log in SQL, as dagster.yaml names one, got {storage!r}")
    for key in instance.all_asset_keys():
        days = runs_days.get(key.path[0])
        latest = instance.get_latest_materialization_event(key)
        if days is None or latest is None:
            continue
        moment = min(latest.timestamp, (datetime.now(UTC) - timedelta(days=days)).timestamp())
        old = _before(key, moment)
        n, size_bytes = _count(storage, old)
        if n:
            name, why = f"{n} of {key.to_user_string()}", f"written over {days} days ago"
            yield Item("event", key.path[0], name, size_bytes, why, partial(_remove, storage, old))


def _before(key: dg.AssetKey, moment_s: float) -> sa.ColumnElement[bool]:
    """Those of an asset; their times are in UTC, without a zone."""
    return sa.and_(
        Events.c.dagster_event_type == dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        Events.c.run_id == RUNLESS_RUN_ID,
        Events.c.asset_key == key.to_string(),
        Events.c.timestamp < datetime.fromtimestamp(moment_s, UTC).replace(tzinfo=None),
    )


def _count(storage: SqlEventLogStorage, old: sa.ColumnElement[bool]) -> tuple[int, int]:
    """How many events, and their bytes in all places."""
    lengths = sa.func.coalesce(sa.func.sum(sa.func.length(Events.c.event)), 0)
    found = []
    for place in _places(storage):
        with place as connection:
            found.append(connection.execute(sa.select(sa.func.count(), lengths).where(old)).one())
    return max(n for n, _ in found), sum(size_bytes for _, size_bytes in found)


def _remove(storage: SqlEventLogStorage, old: sa.ColumnElement[bool]) -> None:
    for place in _places(storage):
        with place as connection:
            connection.execute(sa.delete(Events).where(old))


def _places(storage: SqlEventLogStorage) -> Iterator[AbstractContextManager[sa.Connection]]:
    """SQLite holds them in a file of their own and in the index; others hold them once."""
    yield storage.run_connection(RUNLESS_RUN_ID)
    yield storage.index_connection()
