"""Ticks of sensors and schedules on an instance, and images put into the store at once."""

from typing import Any

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from vision_assets.automation.retraining import retraining
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.ingest import ingest
from vision_assets.vision.store.landing import sweep
from vision_assets.vision.use_case import UseCase


def tick(sensor: dg.SensorDefinition, instance: dg.DagsterInstance, cursor: str | None = None):
    """One tick of a sensor."""
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, resources={"home": HomeResource()}
    ) as context:
        return sensor.evaluate_tick(context)


def tick_schedule(schedule: dg.ScheduleDefinition, instance: dg.DagsterInstance):
    """One tick of a schedule."""
    resources = {"home": HomeResource()}
    with dg.build_schedule_context(instance, resources=resources) as context:
        return schedule.evaluate_tick(context)


def by_images(case: UseCase) -> dg.SensorDefinition:
    """The sensor that retrains."""
    (sensor,) = retraining(case).sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    return sensor


def by_clock(case: UseCase) -> dg.ScheduleDefinition:
    """The schedule that retrains."""
    (schedule,) = retraining(case).schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    return schedule


def store_all(home: Home, case: UseCase) -> None:
    """Ingest what lies in the landing folder."""
    store = ImageStore.open(home.store(case.name))
    landing = home.landing(case.spec.source.landing)
    for batch in sweep(landing, store, case.spec.source, home.batches(case.name)):
        ingest(store, batch, landing, case.spec)


_ENDS = {
    dg.DagsterRunStatus.FAILURE: dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterRunStatus.SUCCESS: dg.DagsterEventType.RUN_SUCCESS,
}


def record(
    instance: dg.DagsterInstance, request: Any, job: str, status: dg.DagsterRunStatus
) -> dg.DagsterRun:
    """Put the run of a request on record; one that failed or succeeded had started."""
    ended = _ENDS.get(status)
    begun = dg.DagsterRunStatus.NOT_STARTED if ended else status
    run = instance.add_run(
        dg.DagsterRun(job_name=job, tags=request.tags, status=begun, run_config={})
    )
    for kind in (dg.DagsterEventType.RUN_START, ended) if ended else ():
        event = dg.DagsterEvent(event_type_value=kind.value, job_name=job)
        instance.report_dagster_event(event, run.run_id)
    return run


def switch_off(instance: dg.DagsterInstance, name: str, kind: InstigatorType) -> None:
    """What a person does with the switch of a sensor or a schedule in the UI."""
    target = LoadableTargetOrigin(module_name="vision_assets.definitions")
    location = InProcessCodeLocationOrigin(loadable_target_origin=target)
    repository = RemoteRepositoryOrigin(location, "__repository__")
    origin = RemoteInstigatorOrigin(repository, name)
    data = ScheduleInstigatorData("@daily") if kind is InstigatorType.SCHEDULE else None
    state = InstigatorState(origin, kind, InstigatorStatus.STOPPED, data)
    instance.add_instigator_state(state)
