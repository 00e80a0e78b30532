"""How a use case stands, and what is to be done about it, the most urgent first."""

import time
from collections.abc import Callable

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._daemon.types import DaemonHeartbeat

from vision_assets.assets.graph import SUSPICION, asset_key
from vision_assets.automation.housekeeping import housekeeping
from vision_assets.automation.liveness import HEARTBEAT_S, Daemon, slow_runs
from vision_assets.automation.needs import Need, Urgency, needs, worst
from vision_assets.automation.standing import Standing, standing
from vision_assets.automation.standing_text import TOLD, markdown, next_steps, rows
from vision_assets.automation.status import STATUS, status
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.errors import DatasetError, SpecError, TrainingError
from vision_assets.vision.inference.service.slot import Acknowledgement, acknowledge
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.chains import run_chain
from vision_assets_tests.graph.ticks import store_all, switch_off, tick

Drop = Callable[[int], None]


def _stand(case: UseCase, instance: dg.DagsterInstance) -> Standing:
    return standing(instance, HomeResource(), case)


def _needs(case: UseCase, instance: dg.DagsterInstance) -> list[Need]:
    return needs(_stand(case, instance))


def _beat(instance: dg.DagsterInstance, ago_s: float) -> None:
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - ago_s, "SENSOR", "one"))


def test_an_empty_use_case_needs_nothing(parts: UseCase, instance: dg.DagsterInstance) -> None:
    assert _needs(parts, instance) == []
    assert worst(_needs(parts, instance)) is Urgency.FINE


def test_images_and_files_are_counted(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    drop(3)
    store_all(home, parts)
    drop(2)
    found = _stand(parts, instance)
    assert (found.images, found.labelled, found.waiting) == (3, 3, 2)
    assert found.newest_image_at is not None


def test_a_daemon_that_fell_silent_is_broken(parts: UseCase, instance: dg.DagsterInstance) -> None:
    assert _stand(parts, instance).daemon is Daemon.NEVER_STARTED
    _beat(instance, 1)
    assert _stand(parts, instance).daemon is Daemon.RUNNING
    _beat(instance, HEARTBEAT_S + 5)
    (need,) = _needs(parts, instance)
    assert need.urgency is Urgency.BROKEN
    assert need.command == "vision-assets up"


def test_a_failed_run_is_told_until_it_is_made_up_for(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    error = TrainingError("expected 2 images a class, got 1; add images")
    run_chain(parts, instance, raising={"trained_model": error})
    (need,) = _needs(parts, instance)
    assert need.urgency is Urgency.PERSON
    assert "expected 2 images a class" in need.what
    assert need.command == "vision-assets run parts"
    run_chain(parts, instance, until="trained_model")
    assert _stand(parts, instance).failed is None


def test_a_failed_training_is_told_after_another_run_failed_and_was_made_up_for(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    training, version = TrainingError("expected 2 images a class"), DatasetError("no images")
    run_chain(parts, instance, raising={"trained_model": training})
    run_chain(parts, instance, raising={"validated_dataset": version}, until="validated_dataset")
    run_chain(parts, instance, until="validated_dataset")
    failed = _stand(parts, instance).failed
    assert failed is not None
    assert failed.error.kind == "TrainingError"


def test_housekeeping_that_fails_is_told_until_it_succeeds(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    (job,) = housekeeping(lambda: {}, lambda: {"brass": SpecError("line 3")}).jobs or ()
    resources = {"home": HomeResource()}
    assert isinstance(job, dg.JobDefinition)
    job.execute_in_process(resources=resources, instance=instance, raise_on_error=False)
    (need,) = _needs(parts, instance)
    assert "nothing of brass was removed: line 3" in need.what
    (job,) = housekeeping(lambda: {}, lambda: {}).jobs or ()
    assert isinstance(job, dg.JobDefinition)
    job.execute_in_process(resources=resources, instance=instance)
    assert _needs(parts, instance) == []


def test_what_a_person_has_switched_off_is_told(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    for name in ("housekeeping_schedule", "parts_retrain_schedule"):
        switch_off(instance, name, InstigatorType.SCHEDULE)
    switch_off(instance, "lost_runs", InstigatorType.SENSOR)
    assert not parts.spec.schedule.enabled
    assert _stand(parts, instance).stopped == ("housekeeping_schedule", "lost_runs")


@pytest.mark.parametrize(("hours", "n_told"), [(7, 0), (25, 1)])
def test_a_run_that_goes_on_and_on_is_told(
    parts: UseCase, instance: dg.DagsterInstance, hours: int, n_told: int
) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="parts_retrain", run_config={}))
    begun = dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name
    )
    instance.report_dagster_event(begun, run.run_id)
    assert len(slow_runs(instance, parts, time.time() + hours * 3600)) == n_told


def test_a_run_is_held_against_the_last_of_its_job(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    for ended in (dg.DagsterEventType.RUN_SUCCESS, None):
        run = instance.add_run(dg.DagsterRun(job_name="parts_retrain", run_config={}))
        for kind in filter(None, (dg.DagsterEventType.RUN_START, ended)):
            event = dg.DagsterEvent(event_type_value=kind.value, job_name=run.job_name)
            instance.report_dagster_event(event, run.run_id)
    (told,) = slow_runs(instance, parts, time.time() + 7 * 3600)
    assert run.run_id[:8] in told


def test_a_gate_is_told_once_and_not_as_a_failed_run_too(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    gate = dg.AssetCheckResult(
        check_name="gate_recall",
        passed=False,
        description="recall is 0.6; at least 0.9 is asked for",
        metadata={"verdict": "failed"},
    )
    run_chain(parts, instance, failing={"evaluation_report": gate})
    (need,) = _needs(parts, instance)
    assert "gate_recall failed: recall is 0.6" in need.what
    assert need.command == "vision-assets explain parts"


def test_a_quarantined_image_needs_a_person_and_a_suspicion_may_wait(
    parts: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    landing = home.landing(parts.spec.source.landing) / "good"
    landing.mkdir()
    (landing / "broken.jpg").write_bytes(b"no image")
    store_all(home, parts)

    @dg.asset(key=asset_key(parts, SUSPICION))
    def suspicion() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"suspects": 5})

    dg.materialize([suspicion], instance=instance)
    found = _needs(parts, instance)
    assert [(need.urgency, need.command) for need in found] == [
        (Urgency.PERSON, "vision-assets resolve parts"),
        (Urgency.NOTE, "vision-assets suspects parts"),
    ]


def test_workers_that_go_on_with_another_bundle_are_told(
    parts: UseCase, instance: dg.DagsterInstance, home: Home, deployed: Callable[[], None]
) -> None:
    deployed()
    slot, said = Deployments(home.deployments("parts")).slot_path, {"sequence": 1, "source": "slot"}
    for worker in ("one", "two"):
        refusal = {"worker": worker, "bundle_id": "b0", "refused": "model.onnx is torn", **said}
        acknowledge(slot, Acknowledgement.model_validate(refusal))
    acknowledge(
        slot, Acknowledgement.model_validate({"worker": "three", "bundle_id": "b1", **said})
    )
    (need,) = [need for need in _needs(parts, instance) if "torn" in need.what]
    assert need.urgency is Urgency.PERSON
    assert "2 of 3 workers answer with bundle b0" in need.what
    assert need.command.startswith("vision-assets rollback parts")


def test_a_damaged_deployment_log_is_told_and_the_rest_is_shown(
    parts: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    folder = home.deployments("parts")
    folder.mkdir(parents=True)
    (folder / "log.jsonl").write_text("{}\n")
    (need,) = _needs(parts, instance)
    assert need.urgency is Urgency.BROKEN
    assert "line 1 is damaged" in need.what


def test_a_landing_folder_that_is_gone_needs_a_person(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    drop(2)
    store_all(home, parts)
    landing = home.landing(parts.spec.source.landing)
    landing.rename(landing.with_name("gone"))
    assert any("cannot be listed" in need.what for need in _needs(parts, instance))


def test_no_more_is_told_at_once_than_a_tired_person_reads() -> None:
    many = [Need(Urgency.PERSON, f"{number}.") for number in range(9)]
    assert len(next_steps(many)) == TOLD


def test_the_page_says_nothing_that_changes_with_time(
    parts: UseCase,
    instance: dg.DagsterInstance,
    drop: Drop,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    drop(2)
    store_all(home, parts)
    _beat(instance, 1)

    def page() -> str:
        found = _stand(parts, instance)
        return markdown(found, needs(found))

    before, now_s = page(), time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + 60)
    assert page() == before
    assert "2, 2 of them labelled" in before


def test_every_line_has_a_name_and_a_value(parts: UseCase, instance: dg.DagsterInstance) -> None:
    assert all(name and value for name, value in rows(_stand(parts, instance)))


def _written(case: UseCase, instance: dg.DagsterInstance, cursor: str | None = None):
    (sensor,) = status(case).sensors or ()
    assert isinstance(sensor, dg.SensorDefinition)
    return tick(sensor, instance, cursor)


def test_the_asset_is_written_only_where_something_changed(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop
) -> None:
    first = _written(parts, instance)
    (event,) = first.asset_events
    assert event.asset_key == asset_key(parts, STATUS)
    assert "nothing was deployed yet" in event.metadata["status"].value
    assert not _written(parts, instance, first.cursor).asset_events
    drop(1)
    (changed,) = _written(parts, instance, first.cursor).asset_events
    assert "files in the landing folder: 1" in changed.metadata["status"].value


def test_a_torn_file_is_told_in_place_of_what_was_last_seen(
    parts: UseCase, instance: dg.DagsterInstance, home: Home
) -> None:
    first = _written(parts, instance)
    version = home.datasets("parts") / "v0001-012345678901"
    version.mkdir(parents=True)
    (version / "version.json").write_text('{"number"')
    (changed,) = _written(parts, instance, first.cursor).asset_events
    assert changed.metadata["state"].value == "broken"
    assert "no readable dataset version" in changed.metadata["status"].value
