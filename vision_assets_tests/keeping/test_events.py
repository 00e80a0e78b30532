"""Materializations of no run, such as the texts of `status`, go with time; the latest stays."""

import time
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import StepMaterializationData
from dagster._core.instance import RUNLESS_RUN_ID

from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.keeping.housekeeping.events import old_events
from vision_assets.keeping.housekeeping.housekeeping import carry_out

DAY_S = 86_400
KEY = dg.AssetKey(["parts", "status"])


@pytest.fixture
def dagster(home: Home) -> Iterator[dg.DagsterInstance]:
    with instance(home) as found:
        yield found


def _written(dagster: dg.DagsterInstance, days_ago: int) -> None:
    """An event as a sensor reports it, of an earlier day."""
    text = dg.AssetMaterialization(KEY, metadata={"status": dg.MetadataValue.md("fine")})
    event = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="",
        event_specific_data=StepMaterializationData(text),
    )
    then_s = time.time() - days_ago * DAY_S
    dagster.report_dagster_event(event, RUNLESS_RUN_ID, timestamp=then_s)


def _texts(dagster: dg.DagsterInstance) -> int:
    return len(dagster.fetch_materializations(KEY, limit=100).records)


def test_old_ones_go_and_new_ones_stay(home: Home, dagster: dg.DagsterInstance) -> None:
    for days_ago in (300, 100, 50, 1):
        _written(dagster, days_ago)
    (item,) = old_events(dagster, {"parts": 90})
    assert (item.kind, item.use_case, item.name) == ("event", "parts", "2 of parts/status")
    assert item.size_bytes > 0
    assert carry_out(home, [item]).removed == (item,)
    assert _texts(dagster) == 2
    assert not list(old_events(dagster, {"parts": 90}))


def test_the_latest_stays_however_old(dagster: dg.DagsterInstance) -> None:
    for days_ago in (400, 300):
        _written(dagster, days_ago)
    (item,) = old_events(dagster, {"parts": 90})
    item.remove()
    item.remove()
    latest = dagster.get_latest_materialization_event(KEY)
    assert latest is not None
    assert time.time() - latest.timestamp == pytest.approx(300 * DAY_S, abs=60)


@pytest.mark.parametrize(
    "runs_days", [{"parts": None}, {"others": 90}], ids=["for ever", "unknown"]
)
def test_what_is_kept_for_ever_stays(
    dagster: dg.DagsterInstance, runs_days: dict[str, int | None]
) -> None:
    for days_ago in (400, 300):
        _written(dagster, days_ago)
    assert not list(old_events(dagster, runs_days))
