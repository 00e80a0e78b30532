"""The sensors and the schedule: each batch once, each state once, nothing for nothing."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import dagster as dg
import pytest

from vision_assets.automation import new_images as sensor_module
from vision_assets.automation.new_images import new_images
from vision_assets.automation.retraining import retraining, retraining_job_name
from vision_assets.automation.state import STATE_TAG
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp() as made:
        yield made


def _tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, cursor: str | None = None):
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"home": HomeResource()}
    ) as context:
        return sensor.evaluate_tick(context)


def _store_all(home: Home, case: UseCase) -> None:
    store = ImageStore.open(home.store(case.name))
    landing = home.landing(case.spec.source.landing)
    for batch in sweep(landing, store, case.spec.source, home.batches(case.name)):
        ingest(store, batch, landing, case.spec)


_EVENTS = {
    dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
}


def _record(instance: dg.DagsterInstance, request: Any, job: str, status: dg.DagsterRunStatus):
    """A run that has begun and is in this state."""
    run = dg.DagsterRun(job_name=job, tags=request.tags, run_config={})
    instance.add_run(run)
    for kind in (dg.DagsterEventType.RUN_START, _EVENTS.get(status)):
        if kind is not None:
            event = dg.DagsterEvent(event_type_value=kind.value, job_name=job)
            instance.report_dagster_event(event, run.run_id)


def test_nothing_in_the_landing_folder_requests_nothing(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    assert not _tick(new_images(parts), instance).run_requests


def test_settled_files_are_requested_as_a_batch(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(3)
    requests = _tick(new_images(parts), instance).run_requests or []
    assert len(requests) == 1
    assert len(list(home.batches("parts").glob("*.json"))) == 1


def test_a_daemon_that_dies_before_the_request_asks_for_the_same_run_again(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None]
) -> None:
    drop(3)
    keys = [
        [request.run_key for request in _tick(new_images(parts), instance).run_requests or []]
        for _ in range(2)
    ]
    assert keys[0] == keys[1] != []


def test_a_batch_that_is_stored_is_not_requested_again(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(3)
    _store_all(home, parts)
    assert not _tick(new_images(parts), instance).run_requests


def test_a_failed_batch_is_tried_again_later_and_not_for_ever(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(3)
    monkeypatch.setattr(sensor_module, "RETRY_WAIT_S", 0.0)
    keys = []
    for _ in range(sensor_module.MAX_TRIES + 1):
        for request in _tick(new_images(parts), instance).run_requests or []:
            keys.append(request.run_key)
            _record(instance, request, "parts_ingest", dg.DagsterRunStatus.FAILURE)
    assert len(keys) == len(set(keys)) == sensor_module.MAX_TRIES


def test_a_run_that_never_started_is_no_try(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(3)
    monkeypatch.setattr(sensor_module, "RETRY_WAIT_S", 0.0)
    for number in range(sensor_module.MAX_TRIES + 3):
        (request,) = _tick(new_images(parts), instance).run_requests or []
        assert request.run_key is not None
        assert request.run_key.endswith(f":{number}")
        never = dg.DagsterRun(
            job_name="parts_ingest",
            tags=request.tags,
            status=dg.DagsterRunStatus.FAILURE,
            run_config={},
        )
        instance.add_run(never)


def test_fifty_thousand_waiting_files_do_not_make_a_tick_late(
    parts: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    folder = home.landing(parts.spec.source.landing) / "ok"
    folder.mkdir()
    for index in range(50_000):
        (folder / f"{index:05d}.jpg").touch()
    began = time.monotonic()
    requests = _tick(new_images(parts), instance).run_requests or []
    assert time.monotonic() - began < 30
    assert len(requests) == sensor_module.MAX_REQUESTS


def _enough_new_images(case: UseCase) -> dg.SensorDefinition:
    (sensor,) = retraining(case).sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    return sensor


def test_enough_new_images_start_one_training(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(4)
    _store_all(home, parts)
    (request,) = _tick(_enough_new_images(parts), instance).run_requests or []
    _record(instance, request, retraining_job_name(parts), dg.DagsterRunStatus.STARTED)
    assert not _tick(_enough_new_images(parts), instance).run_requests


def test_too_few_new_images_start_none(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(3)
    _store_all(home, parts)
    tick = _tick(_enough_new_images(parts), instance)
    assert tick.skip_message == "3 new labelled images, 4 start a training."


def test_the_schedule_skips_when_nothing_has_changed(
    parts: UseCase, instance: dg.DagsterInstance, drop: Callable[[int], None], home: Home
) -> None:
    drop(1)
    _store_all(home, parts)
    (schedule,) = retraining(parts).schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)

    def tick():
        resources = {"home": HomeResource()}
        with dg.build_schedule_context(instance, resources=resources) as context:
            return schedule.evaluate_tick(context)

    (request,) = tick().run_requests or []
    _record(instance, request, retraining_job_name(parts), dg.DagsterRunStatus.SUCCESS)
    assert "Nothing has changed" in (tick().skip_message or "")
    drop(1)
    _store_all(home, parts)
    (changed,) = tick().run_requests or []
    assert changed.tags[STATE_TAG] != request.tags[STATE_TAG]
