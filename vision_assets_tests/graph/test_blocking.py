"""What failed a blocking check is not built upon, also by a run that starts further down."""

import uuid

import dagster as dg
import pytest

from vision_assets.assets.graph import (
    JUDGED,
    REFERENCE,
    asset_key,
    failed_checks,
    upstream,
    verdict,
)
from vision_assets.vision.errors import CheckFailed, DatasetError
from vision_assets.vision.use_case import UseCase


def _report(case: UseCase, passed: bool, severity: dg.AssetCheckSeverity) -> dg.AssetsDefinition:
    """An asset whose check says what it is told to."""
    key = asset_key(case, "evaluation_report")

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec("gate_accuracy", asset=key)])
    def report() -> dg.MaterializeResult:
        check = dg.AssetCheckResult(check_name="gate_accuracy", passed=passed, severity=severity)
        said = {REFERENCE: "r1", **verdict([check])}
        return dg.MaterializeResult(metadata=said, check_results=[check])

    return report


def _built_upon(
    case: UseCase,
    instance: dg.DagsterInstance,
    noun: str = "evaluation_report",
    trusted: str | None = None,
) -> str:
    """What an asset below gets, in a run of its own."""

    @dg.asset
    def service(context: dg.AssetExecutionContext) -> str:
        return upstream(context, case, noun, trusted)

    return dg.materialize([service], instance=instance).output_for_node("service")


@pytest.fixture
def instance():
    with dg.DagsterInstance.local_temp() as made:
        yield made


def test_nothing_is_built_upon_a_report_that_failed_its_gate(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    dg.materialize([_report(parts, False, dg.AssetCheckSeverity.ERROR)], instance=instance)
    with pytest.raises(CheckFailed, match="gate_accuracy"):
        _built_upon(parts, instance)


def test_a_report_that_passes_later_is_built_upon(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    for passed in (False, True):
        dg.materialize([_report(parts, passed, dg.AssetCheckSeverity.ERROR)], instance=instance)
    assert _built_upon(parts, instance) == "r1"


def test_a_warning_blocks_nothing(parts: UseCase, instance: dg.DagsterInstance) -> None:
    dg.materialize([_report(parts, False, dg.AssetCheckSeverity.WARN)], instance=instance)
    assert _built_upon(parts, instance) == "r1"


def test_what_was_never_materialized_is_told(parts: UseCase, instance: dg.DagsterInstance) -> None:
    with pytest.raises(DatasetError, match="never been materialized"):
        _built_upon(parts, instance)


def test_a_gate_that_failed_stops_also_after_its_run_was_removed(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    report = _report(parts, False, dg.AssetCheckSeverity.ERROR)
    made = dg.materialize([report], instance=instance)
    instance.delete_run(made.run_id)
    with pytest.raises(CheckFailed, match="gate_accuracy"):
        _built_upon(parts, instance)


def test_a_gate_that_failed_stops_also_where_its_process_died_before_it_said_so(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    report = _report(parts, False, dg.AssetCheckSeverity.ERROR)
    run_id = _die_behind_the_materialization(report, instance)
    assert failed_checks(instance, run_id, report.key) == []
    with pytest.raises(CheckFailed, match="gate_accuracy"):
        _built_upon(parts, instance)


def _die_behind_the_materialization(
    report: dg.AssetsDefinition, instance: dg.DagsterInstance
) -> str:
    """Materialize it in a run that ends before its check is stored; the run's id."""
    run_id = str(uuid.uuid4())

    def die(entry: dg.EventLogEntry, *_: object) -> None:
        if entry.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            raise KeyboardInterrupt

    instance.add_event_listener(run_id, die)
    job = dg.Definitions([report]).resolve_implicit_global_asset_job_def()
    with pytest.raises(KeyboardInterrupt):
        job.execute_in_process(instance=instance, run_id=run_id)
    return run_id


@pytest.mark.parametrize("noun", JUDGED)
def test_what_an_earlier_release_made_is_judged_again(
    parts: UseCase, instance: dg.DagsterInstance, noun: str
) -> None:
    made = dg.AssetMaterialization(asset_key(parts, noun), metadata={REFERENCE: "r1"})
    instance.report_runless_asset_event(made)
    with pytest.raises(CheckFailed, match=f"--select {noun}$"):
        _built_upon(parts, instance, noun)


def test_what_answers_already_needs_no_verdict_of_an_earlier_release(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    made = dg.AssetMaterialization(asset_key(parts, "bento_service"), metadata={REFERENCE: "p:b1"})
    instance.report_runless_asset_event(made)
    assert _built_upon(parts, instance, "bento_service", trusted="p:b1") == "p:b1"
