"""Records of runs that ended long ago: which go, and which stay."""

from typing import Any

import dagster as dg

from vision_assets.home import Home
from vision_assets.keeping.housekeeping.housekeeping import carry_out, plan
from vision_assets.vision.errors import SpecError
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.keeping.plans import case_with, names


def test_runs_that_ended_long_ago_go_but_not_the_latest_of_an_asset(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance
) -> None:
    @dg.asset(key=["parts", "thing"])
    def thing() -> None:
        pass

    runs = [dg.materialize([thing], instance=dagster).run_id for _ in range(3)]
    _put_back(dagster)
    found = plan(home, [parts], dagster)
    assert [item.name for item in found.items if item.kind == "run"] == runs[:2]
    carry_out(home, found.items)
    assert [run.run_id for run in dagster.get_runs()] == runs[2:]
    latest = dagster.get_latest_materialization_event(dg.AssetKey(["parts", "thing"]))
    assert latest is not None
    assert latest.run_id == runs[2]
    left = {path.name for path in (home.dagster / "history" / "runs").glob("*-*.db")}
    assert left == {f"{runs[2]}.db"}


def test_runs_of_a_use_case_that_does_not_load_stay_whatever_their_age(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance
) -> None:
    first, _ = _ended_long_ago(dagster, "parts_ingest", "audited_ingest")
    found = plan(home, [parts], dagster, broken={"audited": SpecError("line 3")})
    assert names(found, "run") == {first.run_id}
    assert found.refused == {"audited": "line 3"}


def test_runs_of_a_use_case_whose_name_begins_alike_are_not_kept_for_it(
    home: Home, parts: UseCase, dagster: dg.DagsterInstance
) -> None:
    for_ever = case_with(parts, runs_days=None)
    scanned = UseCase("parts_scanned", parts.task, parts.spec)
    _, second = _ended_long_ago(dagster, "parts_ingest", "parts_scanned_ingest")
    (item,) = (each for each in plan(home, [for_ever, scanned], dagster).items)
    assert (item.kind, item.use_case, item.name) == ("run", "parts_scanned", second.run_id)


def _ended_long_ago(dagster: dg.DagsterInstance, *jobs: str) -> list[dg.DagsterRun]:
    ended = dg.DagsterRunStatus.SUCCESS
    runs = [dg.DagsterRun(job_name=job, status=ended, run_config={}) for job in jobs]
    for run in runs:
        dagster.add_run(run)
    _put_back(dagster)
    return runs


def _put_back(dagster: dg.DagsterInstance) -> None:
    """All runs began years ago."""
    storage: Any = dagster.run_storage
    with storage.connect() as connection:
        connection.exec_driver_sql("UPDATE runs SET create_timestamp = '2020-01-01 00:00:00'")
