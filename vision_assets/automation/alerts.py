"""Alerts: one message to a webhook for a run that failed, a gate that stopped a model, a service
that stopped, a disk or a landing folder that lets nothing in. With what to do about it, and never
twice for the same.
"""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from vision_assets.assets.cause import BY_TAG, REASON_TAG, cause_of
from vision_assets.assets.runs import use_cases_of
from vision_assets.automation.failures import RunError, error_of
from vision_assets.automation.last_training import stops_in
from vision_assets.automation.needs import Need
from vision_assets.automation.outbox import Outbox
from vision_assets.automation.webhook import URL_VARIABLE, Webhook
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import StoreLocked
from vision_assets.vision.remedies import SERVICE_STOPPED, Remedy, remedy_for

INTERVAL_S = 10
_SKIPPED = f"{URL_VARIABLE} is not set: nobody is told."
_CHECK = "DagsterAssetCheckFailedError"
_DISK, _DAY_S = "DiskFull", 86_400
_WHAT = {
    SERVICE_STOPPED: "the endpoint",
    "LandingUnreadable": "the landing folder",
    _DISK: "the disk of the home",
}
_WILL_RETRY_TAG = "dagster/will_retry"


def alerts() -> list[dg.SensorDefinition]:
    """The sensor that writes messages of failed runs, and the one that delivers."""
    return [_failed_runs(), _delivery()]


def _failed_runs() -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="alerts",
        monitor_all_code_locations=True,  # also what the command line runs in its own process
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Writes a message of each failed run, where {URL_VARIABLE} is set.",
    )
    def sense(context: dg.RunFailureSensorContext, home: HomeResource):
        run = context.dagster_run
        if Webhook.from_environment() is None:
            return dg.SkipReason(_SKIPPED)
        if run.tags.get(_WILL_RETRY_TAG) == "true":
            return dg.SkipReason(f"Run {run.run_id[:8]} is started again: nothing to tell yet.")
        Outbox(home.home.alerts).put(run.run_id, of_run(context.instance, run))
        return dg.SkipReason(f"A message of run {run.run_id[:8]} is written.")

    return sense


def _delivery() -> dg.SensorDefinition:
    @dg.sensor(
        name="alert_delivery",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Delivers messages that wait; tries again with growing waits, not for ever.",
    )
    def sense(context: dg.SensorEvaluationContext, home: HomeResource):
        webhook = Webhook.from_environment()
        if webhook is None:
            return dg.SkipReason(_SKIPPED)
        try:
            tried = Outbox(home.home.alerts).deliver(webhook.post)
        except StoreLocked:
            return dg.SkipReason("Another process delivers.")
        told = [f"{each.id}: {each.error or 'delivered'}" for each in tried]
        return dg.SkipReason("; ".join(told) or "No message is due.")

    return sense


def of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, Any]:
    """The message of a run that failed."""
    error, cause = error_of(instance, run.run_id), cause_of(run)
    stopped = error.kind == _CHECK
    checks = stops_in(instance, run.run_id, error.asset) if stopped else []
    return _message(
        id=run.run_id,
        kind="check_failed" if stopped else "run_failed",
        use_case=_use_case_of(run, error),
        what=f"run {run.run_id[:8]} of {run.job_name}",
        asset=error.asset,
        error="; ".join(map(str, checks)) or error.line,
        remedy=error.remedy,
        run_id=run.run_id,
        reason=cause[REASON_TAG],
        by=cause[BY_TAG],
    )


def tell_of_need(home: Home, use_case: str, need: Need, at_s: int) -> bool:
    """Write the message of what is broken; whether it is a new one.

    Args:
        home: where messages are kept.
        use_case: its name.
        need: what is broken, and what to do.
        at_s: since when it was seen, seconds since 1970: one message for each time. A full disk is
            that of all use cases: one for each day.
    """
    if Webhook.from_environment() is None:
        return False
    which = str(at_s // _DAY_S) if need.kind == _DISK else f"{use_case}-{at_s}"
    message = _message(
        id=f"{need.kind}-{which}",
        kind="service_stopped" if need.kind == SERVICE_STOPPED else "broken",
        use_case=use_case,
        what=_WHAT.get(need.kind, "what is kept of the use case"),
        asset=f"{use_case}/status",
        error=need.what,
        remedy=remedy_for(need.kind),
    )
    return Outbox(home.alerts).put(message["id"], message)


def _message(
    id: str,
    kind: str,
    use_case: str,
    what: str,
    asset: str,
    error: str,
    remedy: Remedy,
    **more: str,
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "id": id,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
        "use_case": use_case,
        "what": what,
        "asset": asset,
        "error": error,
        "error_kind": remedy.kind,
        "remedy": remedy.do,
        "command": remedy.command_for(use_case),
        **more,
    }


def _use_case_of(run: dg.DagsterRun, error: RunError) -> str:
    """Whose asset failed, or else the first for which the run works; empty where it is nobody's."""
    name, of_asset, _ = error.asset.partition("/")
    return name if of_asset else min(use_cases_of(run), default="")
