"""What failed a blocking check is not built upon, also by a run that starts further down."""

import dagster as dg
import pytest

from vision_assets.assets.graph import REFERENCE, asset_key, upstream
from vision_assets.vision.errors import CheckFailed, DatasetError
from vision_assets.vision.use_case import UseCase


def _report(case: UseCase, passed: bool, severity: dg.AssetCheckSeverity) -> dg.AssetsDefinition:
    """An asset whose check says what it is told to."""
    key = asset_key(case, "evaluation_report")

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec("gate_accuracy", asset=key)])
    def report() -> dg.MaterializeResult:
        check = dg.AssetCheckResult(check_name="gate_accuracy", passed=passed, severity=severity)
        return dg.MaterializeResult(metadata={REFERENCE: "r1"}, check_results=[check])

    return report


def _built_upon(case: UseCase, instance: dg.DagsterInstance) -> str:
    """What an asset below gets, in a run of its own."""

    @dg.asset
    def service(context: dg.AssetExecutionContext) -> str:
        return upstream(context, case, "evaluation_report")

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
