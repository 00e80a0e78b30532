"""explain says what the sensor does, and why the last thing did or did not happen."""

import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._daemon.types import DaemonHeartbeat

from vision_assets.assets.graph import REFERENCE, asset_key
from vision_assets.automation.explanation import Explanation, explain
from vision_assets.home import Home
from vision_assets.project import use_case
from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import TrainingError
from vision_assets.vision.use_case import UseCase
from vision_assets_tests.graph.chains import run_chain
from vision_assets_tests.graph.conftest import PARTS_YAML
from vision_assets_tests.graph.ticks import by_images, record, store_all, switch_off, tick

Drop = Callable[[int], None]


def _explain(case: UseCase, instance: dg.DagsterInstance) -> Explanation:
    return explain(instance, HomeResource(), case)


def _gate(verdict: str, text: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="gate_recall",
        passed=False,
        description=text,
        metadata={"verdict": verdict},
    )


@pytest.mark.parametrize("n", [0, 3, 4])
@pytest.mark.parametrize("trained", ["never", "just now", "failing", "under way"])
def test_the_sensor_does_what_explain_says(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home, n: int, trained: str
) -> None:
    if trained == "just now":
        run_chain(parts, instance)
    drop(n)
    store_all(home, parts)
    for _ in range(2):
        for request in tick(by_images(parts), instance).run_requests or []:
            failing = {"failing": "FAILURE", "under way": "STARTED"}.get(trained)
            if failing:
                status = dg.DagsterRunStatus(failing)
                record(instance, request, "parts_retrain", status)
    said, done = _explain(parts, instance).decision, tick(by_images(parts), instance)
    assert said.trains == bool(done.run_requests)
    assert said.why_not == (done.skip_message or "")
    assert [each.tags["vision_assets/reason"] for each in done.run_requests or []] == (
        [said.reason] if said.trains else []
    )


def test_a_training_does_not_start_where_what_starts_it_does_not_run(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    drop(4)
    store_all(home, parts)
    found = _explain(parts, instance)
    assert (found.decision.trains, found.starts) == (True, False)
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SENSOR", "one"))
    assert _explain(parts, instance).starts
    switch_off(instance, "parts_enough_new_images", InstigatorType.SENSOR)
    assert not _explain(parts, instance).starts


def test_a_schedule_that_a_person_has_switched_off_does_not_look_again(
    write_yaml: Callable[..., Path], instance: dg.DagsterInstance
) -> None:
    write_yaml(PARTS_YAML + "  schedule: {enabled: true}\n")
    assert _explain(use_case("parts"), instance).next_by_clock is not None
    switch_off(instance, "parts_retrain_schedule", InstigatorType.SCHEDULE)
    found = _explain(use_case("parts"), instance)
    assert found.next_by_clock is None
    assert found.stopped == ("parts_retrain_schedule",)


def test_before_anything_happened_that_is_said(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    found = _explain(parts, instance)
    assert found.last_training is None
    assert found.deployed is None
    assert found.undeployed is None
    assert found.waits == ()


@pytest.mark.parametrize("verdict", ["failed", "undecided"])
def test_a_gate_that_stopped_the_model_is_named_with_its_figures(
    parts: UseCase, instance: dg.DagsterInstance, verdict: str
) -> None:
    gate = _gate(verdict, "recall is 0.6000 on 40 images; at least 0.9 is asked for")
    run_chain(parts, instance, failing={"evaluation_report": gate})
    (stop,) = _explain(parts, instance).stops
    assert (stop.asset, stop.check, stop.verdict) == (
        "parts/evaluation_report",
        "gate_recall",
        verdict,
    )
    assert "0.6000 on 40 images" in (_explain(parts, instance).undeployed or "")


def test_a_gate_stops_the_model_also_after_its_run_was_removed(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    gate = _gate("failed", "recall is 0.6000 on 40 images; at least 0.9 is asked for")
    made = run_chain(parts, instance, failing={"evaluation_report": gate})
    instance.delete_run(made.run_id)
    (stop,) = _explain(parts, instance).stops
    assert (stop.check, stop.verdict) == ("gate_recall", "failed")
    assert "passed its checks" not in (_explain(parts, instance).undeployed or "")


def test_a_check_without_words_is_told_by_its_figures(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    check = dg.AssetCheckResult(check_name="parity", passed=False, metadata={"images": 64})
    run_chain(parts, instance, failing={"exported_model": check})
    assert "parity failed: (images 64)" in str(_explain(parts, instance).stops[0])


def test_a_gate_of_an_earlier_model_stops_nothing_now(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    run_chain(parts, instance, failing={"evaluation_report": _gate("failed", "recall is 0.1")})
    run_chain(parts, instance, raising={"exported_model": ValueError("no such operator")})
    found = _explain(parts, instance)
    assert found.stops == ()
    assert "parts/exported_model: no such operator" in (found.undeployed or "")


def test_a_training_that_failed_is_told_with_its_error(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    error = TrainingError("expected 2 images a class, got 1; add images")
    run_chain(parts, instance, raising={"trained_model": error})
    last = _explain(parts, instance).last_training
    assert last is not None
    assert last.error is not None
    assert last.status == "failure"
    assert last.error.line == "expected 2 images a class, got 1; add images"


def test_a_bundle_that_nobody_deployed_is_named(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    run_chain(parts, instance, until="evaluation_report", exported_model="abc123")
    assert "bundle abc123 passed its checks and nobody has deployed it" in (
        _explain(parts, instance).undeployed or ""
    )


@pytest.mark.parametrize("judged", [False, True])
def test_a_bundle_without_a_verdict_is_not_said_to_have_passed(
    parts: UseCase, instance: dg.DagsterInstance, judged: bool
) -> None:
    """One that no report judged, and one of a release that kept no verdict."""
    nouns = ("exported_model", "evaluation_report") if judged else ("exported_model",)
    for noun in nouns:
        made = dg.AssetMaterialization(asset_key(parts, noun), metadata={REFERENCE: "abc123"})
        instance.report_runless_asset_event(made)
    said = _explain(parts, instance).undeployed or ""
    assert "bundle abc123 is not known to have passed its checks" in said
    assert said.endswith("--select exported_model --select evaluation_report")


def test_refused_images_and_what_waits_are_counted(
    parts: UseCase, instance: dg.DagsterInstance, drop: Drop, home: Home
) -> None:
    landing = home.landing(parts.spec.source.landing)
    drop(1)
    (landing / "good" / "broken.jpg").write_bytes(b"no image")
    store_all(home, parts)
    drop(2)
    found = _explain(parts, instance)
    assert found.refused == {"not_an_image": 1}
    assert [(wait.number, wait.whom) for wait in found.waits] == [
        (2, "the daemon"),
        (1, "a person"),
    ]


def test_the_next_look_of_the_clock_is_said(
    instance: dg.DagsterInstance, write_yaml: Callable[..., Path]
) -> None:
    write_yaml(PARTS_YAML + "  schedule: {enabled: true, cron: '0 3 * * 0'}\n")
    at = _explain(use_case("parts"), instance).next_by_clock
    assert at is not None
    assert (at.hour, at.weekday()) == (3, 6)
