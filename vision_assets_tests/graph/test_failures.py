"""Why a run failed, as people are told it."""

import dagster as dg
import pytest

from vision_assets.assets.graph import asset_key
from vision_assets.automation.failures import LINE_LENGTH, RunError, error_of
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.use_case import UseCase


def _failed(case: UseCase, instance: dg.DagsterInstance, error: Exception | None) -> RunError:
    key = asset_key(case, "trained_model")

    @dg.asset(key=key, check_specs=[dg.AssetCheckSpec("gate_recall", asset=key, blocking=True)])
    def build() -> dg.MaterializeResult:
        if error is not None:
            raise error
        check = dg.AssetCheckResult(check_name="gate_recall", passed=False)
        return dg.MaterializeResult(check_results=[check])

    result = dg.materialize([build], instance=instance, raise_on_error=False)
    assert not result.success
    return error_of(instance, result.run_id)


def test_an_error_is_told_by_its_own_words(parts: UseCase, instance: dg.DagsterInstance) -> None:
    found = _failed(parts, instance, DatasetError("expected 2 classes,\ngot 1; add images"))
    assert found == RunError(
        "DatasetError", "parts__trained_model", "expected 2 classes, got 1; add images"
    )
    assert str(found) == "parts/trained_model: expected 2 classes, got 1; add images"
    assert found.remedy.kind == "DatasetError"


def test_what_was_raised_is_told_and_not_what_it_came_from(
    parts: UseCase, instance: dg.DagsterInstance
) -> None:
    error = DatasetError("the folder is damaged; restore it")
    error.__cause__ = KeyError("fingerprint")
    assert _failed(parts, instance, error).line == "the folder is damaged; restore it"


def test_a_check_that_blocks_is_named(parts: UseCase, instance: dg.DagsterInstance) -> None:
    found = _failed(parts, instance, None)
    assert found.remedy.kind == "DagsterAssetCheckFailedError"
    assert "gate_recall" in found.line


def test_a_message_of_a_novel_is_cut(parts: UseCase, instance: dg.DagsterInstance) -> None:
    assert len(_failed(parts, instance, ValueError("x" * 10_000)).line) == LINE_LENGTH


@pytest.mark.parametrize("told", ["the process died"])
def test_a_run_that_ended_without_a_step_is_told(instance: dg.DagsterInstance, told: str) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="parts_retrain"))
    instance.report_run_failed(run, told)
    assert error_of(instance, run.run_id) == RunError("RunFailure", "", told)
