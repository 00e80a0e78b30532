"""A run whose process died unnoticed does not hold its pool for ever."""

import os
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.events import EngineEventData

from vision_assets.automation import lost_runs as module
from vision_assets.automation.lost_runs import fail_lost_runs, lost_runs
from vision_assets.automation.state import PROCESS_TAG, this_process
from vision_assets.execution import fail_interrupted_runs
from vision_assets.execution import instance as dagster_of
from vision_assets.home import Home


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as made:
        yield made


def _started(instance: dg.DagsterInstance, process: int | None) -> str:
    run = dg.DagsterRun(job_name="it", status=dg.DagsterRunStatus.STARTED, run_config={})
    instance.add_run(run)
    if process is not None:
        said = EngineEventData.in_process(process)
        instance.report_engine_event("Started.", run, said)
    return run.run_id


def _ended_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_run_without_its_process_is_marked_as_failed(instance: dg.DagsterInstance) -> None:
    lost, alive = _started(instance, _ended_process()), _started(instance, os.getpid())
    assert fail_lost_runs(instance) == [lost]
    run = instance.get_run_by_id(alive)
    assert run is not None
    assert run.status is dg.DagsterRunStatus.STARTED


def test_a_process_that_was_not_waited_for_has_ended(instance: dg.DagsterInstance) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    lost = _started(instance, process.pid)
    assert fail_lost_runs(instance) == [lost]
    process.wait()


def test_a_number_that_is_anothers_by_now_is_no_process_of_ours(
    instance: dg.DagsterInstance,
) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        assert fail_lost_runs(instance) == []
        lost = _started(instance, other.pid)
        assert fail_lost_runs(instance) == [lost]
        other.kill()


def test_a_run_that_has_just_been_launched_is_waited_for(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _started(instance, None)
    assert fail_lost_runs(instance) == []
    monkeypatch.setattr(module, "START_WAIT_S", -1.0)
    assert fail_lost_runs(instance) == [run]


def test_a_run_that_was_created_and_never_queued_is_tried_again(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="it", run_config={}))
    assert run.status is dg.DagsterRunStatus.NOT_STARTED
    assert fail_lost_runs(instance) == []
    monkeypatch.setattr(module, "START_WAIT_S", -1.0)
    assert fail_lost_runs(instance) == [run.run_id]


def test_the_sensor_says_what_it_found(instance: dg.DagsterInstance) -> None:
    lost = _started(instance, _ended_process())
    with dg.build_sensor_context(instance=instance) as context:
        assert lost in (lost_runs().evaluate_tick(context).skip_message or "")


@pytest.mark.parametrize(
    ("process", "restored", "status"),
    [
        (this_process(), False, dg.DagsterRunStatus.STARTED),
        (this_process(), True, dg.DagsterRunStatus.FAILURE),
        (f"{os.getpid()}:1", False, dg.DagsterRunStatus.FAILURE),
    ],
    ids=["living", "living, in a copy of the home", "gone, its number given anew"],
)
def test_servers_that_start_leave_the_run_of_a_living_command_alone(
    home: Home, process: str, restored: bool, status: dg.DagsterRunStatus
) -> None:
    run = dg.DagsterRun(job_name="it", tags={PROCESS_TAG: process}, run_config={})
    with dagster_of(home) as dagster:
        dagster.add_run(run.with_status(dg.DagsterRunStatus.STARTED))
        fail_interrupted_runs(home, restored)
        found = dagster.get_run_by_id(run.run_id)
    assert found is not None
    assert found.status is status


def test_a_run_waits_in_the_queue_while_its_server_is_away(home: Home) -> None:
    with dagster_of(home) as dagster:
        queue = dagster.get_concurrency_config().run_queue_config
        assert queue is not None
        waits_s = queue.max_user_code_failure_retries * queue.user_code_failure_retry_delay
        assert waits_s >= 3600
        assert queue.max_concurrent_runs == 2
