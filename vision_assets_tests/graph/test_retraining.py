"""The sensor and the schedule that retrain: one training for one state, and none for nothing."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from vision_assets.assets.cause import BY_TAG, REASON_TAG, STATE_TAG
from vision_assets.assets.graph import GRAPH, REFERENCE, asset_key
from vision_assets.assets.runs import retraining_job_name
from vision_assets.assets.trained_model import training_lock
from vision_assets.automation.circumstances import decision, last_version, under_way
from vision_assets.automation.failures import error_of
from vision_assets.automation.request import VALID_S, claim
from vision_assets.automation.state import PROCESS_TAG
from vision_assets.execution import fail_interrupted_runs, run_graph
from vision_assets.execution import instance as dagster_of
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.resources.home import HomeResource
from vision_assets.resources.tracking import prepare, tracking_uri
from vision_assets.user import by_whom
from vision_assets.vision.file_lock import file_lock
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.conftest import PARTS_YAML
from vision_assets_tests.graph.ticks import (
    by_clock,
    by_images,
    record,
    store_all,
    tick,
    tick_schedule,
)

Drop = Callable[[int], None]
SUCCESS, FAILURE = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
STARTED, CANCELED = dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELED


@pytest.fixture
def four(drop: Drop, home: Home, parts: UseCase) -> UseCase:
    """The use case with as many new labelled images as start a training."""
    drop(4)
    store_all(home, parts)
    return parts


def _train(case: UseCase, instance: dg.DagsterInstance, version: str) -> None:
    """A training on a dataset version, as far as Dagster sees it."""

    @dg.asset(key=asset_key(case, "trained_model"))
    def trained_model() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={REFERENCE: "m", "dataset": version})

    assert dg.materialize([trained_model], instance=instance).success


def _version(home: Home, case: UseCase) -> str:
    datasets = HomeResource().datasets(case)
    return datasets.create(HomeResource().image_store(case), case.spec).name


def test_enough_new_images_start_one_training(four: UseCase, instance: dg.DagsterInstance) -> None:
    (request,) = tick(by_images(four), instance).run_requests or []
    assert request.tags[REASON_TAG] == "4 new labelled images, 4 were asked for"
    assert request.tags[BY_TAG] == "trigger: images"
    record(instance, request, retraining_job_name(four), STARTED)
    assert "under way" in (tick(by_images(four), instance).skip_message or "")


def test_too_few_new_images_start_none(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    drop(3)
    store_all(home, parts)
    skipped = tick(by_images(parts), instance).skip_message
    assert skipped == "3 new labelled images, 4 start a training."


def test_images_that_the_last_training_had_are_not_new(
    four: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    _train(four, instance, _version(home, four))
    drop(1)
    store_all(home, four)
    skipped = tick(by_images(four), instance).skip_message
    assert skipped == "1 new labelled images, 4 start a training."


def test_a_version_without_a_training_makes_nothing_old(
    four: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    _version(home, four)
    assert last_version(instance, four) is None
    assert tick(by_images(four), instance).run_requests


def test_no_second_training_within_the_cool_down(
    four: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    _train(four, instance, _version(home, four))
    drop(4)
    store_all(home, four)
    assert "may start by itself in 60 min" in (tick(by_images(four), instance).skip_message or "")
    assert "may start by itself in" in (tick_schedule(by_clock(four), instance).skip_message or "")


@pytest.mark.parametrize(("status", "runs"), [(FAILURE, 2), (CANCELED, 1)])
def test_a_failing_state_is_not_trained_on_for_ever(
    four: UseCase, instance: dg.DagsterInstance, status: dg.DagsterRunStatus, runs: int
) -> None:
    for _ in range(runs):
        (request,) = tick(by_images(four), instance).run_requests or []
        record(instance, request, retraining_job_name(four), status)
    for skipped in (tick(by_images(four), instance), tick_schedule(by_clock(four), instance)):
        assert "not started again by itself" in (skipped.skip_message or "")


def test_a_new_image_makes_another_state(
    four: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    for _ in range(2):
        (request,) = tick(by_images(four), instance).run_requests or []
        record(instance, request, retraining_job_name(four), FAILURE)
    drop(1)
    store_all(home, four)
    (again,) = tick(by_images(four), instance).run_requests or []
    assert again.tags[STATE_TAG] != request.tags[STATE_TAG]


def test_a_daemon_that_dies_before_the_request_asks_for_the_same_run_again(
    four: UseCase, instance: dg.DagsterInstance
) -> None:
    keys = [(tick(by_images(four), instance).run_requests or [])[0].run_key for _ in range(2)]
    assert keys[0] == keys[1]


def test_two_triggers_at_once_give_one_training(
    four: UseCase, instance: dg.DagsterInstance
) -> None:
    sensor, schedule, begin = by_images(four), by_clock(four), threading.Barrier(2)
    found = []

    def ask(look: Callable[[], Any]) -> None:
        begin.wait()
        found.append(look())

    looks = (lambda: tick(sensor, instance), lambda: tick_schedule(schedule, instance))
    threads = [threading.Thread(target=ask, args=(look,)) for look in looks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(len(each.run_requests or []) for each in found) == 1
    (skipped,) = [each.skip_message for each in found if not each.run_requests]
    assert "a moment ago" in skipped


def test_an_image_that_is_stored_between_two_triggers_gives_no_second_training(
    four: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    assert tick(by_images(four), instance).run_requests
    drop(1)
    store_all(home, four)
    assert "a moment ago" in (tick_schedule(by_clock(four), instance).skip_message or "")


def test_a_request_is_open_until_a_training_came_of_it_or_it_is_old(
    home: Home, parts: UseCase
) -> None:
    assert claim(home, parts, "images", now_s=1000)
    assert not claim(home, parts, "schedule", last_began_s=900, now_s=1010)
    assert claim(home, parts, "schedule", last_began_s=1005, now_s=1010)
    assert claim(home, parts, "images", now_s=1010 + VALID_S)


def test_the_schedule_skips_when_nothing_has_changed(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    drop(1)
    store_all(home, parts)
    (request,) = tick_schedule(by_clock(parts), instance).run_requests or []
    record(instance, request, retraining_job_name(parts), SUCCESS)
    assert "Nothing has changed" in (tick_schedule(by_clock(parts), instance).skip_message or "")
    drop(1)
    store_all(home, parts)
    (changed,) = tick_schedule(by_clock(parts), instance).run_requests or []
    assert changed.tags[STATE_TAG] != request.tags[STATE_TAG]


@pytest.mark.parametrize(
    "change",
    ["triggers: {retrain_after: 2}", "keep: {runs_days: 9}", "service: {port: 4321}"],
    ids=lambda change: change.partition(":")[0],
)
def test_what_changes_no_model_is_no_other_state(
    four: UseCase, instance: dg.DagsterInstance, write_yaml: Callable[..., Path], change: str
) -> None:
    (request,) = tick_schedule(by_clock(four), instance).run_requests or []
    record(instance, request, retraining_job_name(four), SUCCESS)
    write_yaml(PARTS_YAML.replace("triggers: {retrain_after: 4}", change))
    assert "Nothing has changed" in (
        tick_schedule(by_clock(use_case("parts")), instance).skip_message or ""
    )


def test_the_cursor_spares_counting_where_nothing_was_stored(
    four: UseCase, instance: dg.DagsterInstance, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tick(by_images(four), instance)
    monkeypatch.setattr("vision_assets.automation.retraining.new_images_of", None)
    again = tick(by_images(four), instance, first.cursor)
    assert [each.tags for each in again.run_requests or []] == [
        each.tags for each in first.run_requests or []
    ]


def test_a_cursor_of_an_earlier_release_is_read(
    four: UseCase, instance: dg.DagsterInstance
) -> None:
    assert tick(by_images(four), instance, "3f2a-4-4-0").run_requests


def test_a_process_that_trains_by_itself_is_seen(
    four: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    with file_lock(training_lock(home, four), wait_s=1):
        assert not decision(instance, HomeResource(), four).trains
    assert decision(instance, HomeResource(), four).trains


def test_a_run_whose_process_was_killed_holds_nothing_back(
    four: UseCase, instance: dg.DagsterInstance
) -> None:
    code = "from vision_assets.automation.state import this_process as p; print(p())"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    run = dg.DagsterRun(
        job_name=retraining_job_name(four), tags={PROCESS_TAG: dead.stdout.strip()}, status=STARTED
    )
    instance.add_run(run)
    assert under_way(instance, HomeResource(), four) is None


def test_a_run_that_dagster_will_retry_is_under_way(
    four: UseCase, instance: dg.DagsterInstance
) -> None:
    key = asset_key(four, "trained_model")

    @dg.asset(key=key)
    def trained_model() -> None:
        raise RuntimeError("the process died")

    result = dg.materialize([trained_model], instance=instance, raise_on_error=False)
    assert under_way(instance, HomeResource(), four) is None
    instance.add_run_tags(result.run_id, {"dagster/will_retry": "true"})
    assert "is started again" in (under_way(instance, HomeResource(), four) or "")


def test_a_run_that_a_person_began_in_mlflow_is_left_alone(home: Home) -> None:
    import mlflow

    client = mlflow.MlflowClient(prepare(home))
    experiment = client.create_experiment("notebook")
    own, trained = (
        client.create_run(experiment, tags=tags).info.run_id
        for tags in ({}, {"dagster_run_id": "of a process that died"})
    )
    fail_interrupted_runs(home)
    assert client.get_run(own).info.status == "RUNNING"
    assert client.get_run(trained).info.status == "KILLED"


@pytest.mark.slow
def test_a_training_by_command_is_on_record_and_counts_as_one(
    parts: UseCase, home: Home, drop: Drop
) -> None:
    drop(24)
    assert run_graph("parts", GRAPH[:3])
    with dagster_of(home) as dagster:
        (run,) = dagster.get_runs()
        assert run.tags[REASON_TAG] == "by hand on the command line"
        assert run.tags[BY_TAG] == by_whom()
        assert last_version(dagster, parts) is not None
        assert decision(dagster, HomeResource(), parts).why_not.startswith("0 new labelled images")
        clock = parts.spec.schedule
        by_the_clock = decision(dagster, HomeResource(), parts, clock=clock)
    assert "Nothing has changed" in by_the_clock.why_not
    assert _tracked(home).data.tags[REASON_TAG] == "by hand on the command line"


def _tracked(home: Home):
    """The one run that MLflow has of the use case."""
    import mlflow

    client = mlflow.MlflowClient(tracking_uri(home))
    experiment = client.get_experiment_by_name("parts")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    return run


@pytest.mark.slow
def test_a_second_training_of_a_use_case_is_refused_and_says_whose_the_first_is(
    parts: UseCase, home: Home, drop: Drop
) -> None:
    import mlflow

    drop(8)
    assert run_graph("parts", GRAPH[:2])
    with file_lock(training_lock(home, parts), wait_s=1):
        assert not run_graph("parts", ["trained_model"])
    with dagster_of(home) as dagster:
        error = error_of(dagster, dagster.get_runs(limit=1)[0].run_id)
    assert error.kind == "StoreLocked"
    assert f"process {os.getpid()}" in error.line
    assert mlflow.active_run() is None, "it would be taken for the run of the next training"
    assert _tracked(home).info.status == "FAILED"
