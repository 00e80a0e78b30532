"""What became of the last training: deployed, or stopped where and by what."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from vision_assets.assets.cause import BY_TAG, REASON_TAG, cause_of
from vision_assets.assets.graph import (
    GRAPH,
    REFERENCE,
    asset_key,
    blocked_by,
    failed_checks,
    latest_metadata,
    run_until,
)
from vision_assets.automation.circumstances import last_training, under_way
from vision_assets.automation.failures import RunError, error_of, one_line
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

_VERDICT = "verdict"
_GONE = "by how much is not on record: its run was removed, or its process died"


@dataclass(frozen=True)
class Stop:
    """A check that blocks what comes after it.

    Attributes:
        asset: key of the asset whose check it is.
        check: its name.
        verdict: `failed`, or `undecided` where too little is known.
        text: the figures, and what is asked for.
    """

    asset: str
    check: str
    verdict: str
    text: str

    def __str__(self) -> str:
        return f"{self.asset}: {self.check} {self.verdict}: {self.text}"


@dataclass(frozen=True)
class LastTraining:
    """The last training and its end.

    Attributes:
        run_id: of Dagster.
        began_at: when it began, UTC.
        reason: why.
        by: who or what asked for it.
        status: of the run, in small letters.
        error: why it failed; None where it did not.
    """

    run_id: str
    began_at: datetime
    reason: str
    by: str
    status: str
    error: RunError | None


def look_at_last_training(instance: dg.DagsterInstance, use_case: UseCase) -> LastTraining | None:
    """The last run that held a training; None before the first."""
    record = last_training(instance, use_case)
    if record is None:
        return None
    run, cause = record.dagster_run, cause_of(record.dagster_run)
    began_s = record.start_time or record.create_timestamp.timestamp()
    failed = run.status is dg.DagsterRunStatus.FAILURE
    return LastTraining(
        run_id=run.run_id,
        began_at=datetime.fromtimestamp(began_s, UTC),
        reason=cause[REASON_TAG],
        by=cause[BY_TAG],
        status=run.status.value.lower(),
        error=error_of(instance, run.run_id) if failed else None,
    )


def stops(instance: dg.DagsterInstance, use_case: UseCase) -> list[Stop]:
    """The checks that block now: those of the first asset that failed one when it was last made.

    An asset that is older than the one above it says nothing of what is there now.
    """
    above_s = 0.0
    for noun in GRAPH[1:]:
        event = instance.get_latest_materialization_event(asset_key(use_case, noun))
        if event is None or event.timestamp < above_s:
            return []
        above_s = event.timestamp
        blocked = blocked_by(event)
        if blocked:
            asset = asset_key(use_case, noun).to_user_string()
            return _stops_by(instance, event.run_id, asset, blocked)
    return []


def _stops_by(
    instance: dg.DagsterInstance, run_id: str, asset: str, checks: list[str]
) -> list[Stop]:
    """The checks that block what is built upon a materialization, with their figures if kept."""
    told = {stop.check: stop for stop in stops_in(instance, run_id, asset)}
    return [told.get(check, Stop(asset, check, "failed", _GONE)) for check in checks]


def stops_in(instance: dg.DagsterInstance, run_id: str, asset: str) -> list[Stop]:
    """The checks of an asset that blocked in a run."""
    key = dg.AssetKey.from_user_string(asset)
    return [_stop(check) for check in failed_checks(instance, run_id, key)]


def _stop(check: dg.AssetCheckEvaluation) -> Stop:
    says_so = _VERDICT in check.metadata
    said = check.description or ""
    text = said if says_so else f"{said} {_figures(check.metadata)}"
    return Stop(
        asset=check.asset_key.to_user_string(),
        check=check.check_name,
        verdict=str(check.metadata[_VERDICT].value) if says_so else "failed",
        text=one_line(text).removeprefix("undecided: "),
    )


def _figures(metadata: Mapping[str, dg.MetadataValue]) -> str:
    """The plain figures of a check that has no words for them."""
    plain = (dg.IntMetadataValue, dg.FloatMetadataValue, dg.TextMetadataValue)
    told = [f"{name} {each.value}" for name, each in metadata.items() if isinstance(each, plain)]
    return f"({', '.join(told)})" if told else ""


def undeployed(instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase) -> str | None:
    """Why what was trained last does not answer, in words; None where it does, or is on its way."""
    if under_way(instance, home, use_case) is not None:
        return None
    blocked = stops(instance, use_case)
    if blocked:
        return "; ".join(map(str, blocked))
    last = look_at_last_training(instance, use_case)
    if last is not None and last.error is not None:
        return f"run {last.run_id[:8]} failed in {last.error}"
    return _left_lying(instance, home, use_case)


def _left_lying(instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase) -> str | None:
    """What is said of a bundle that was made and does not answer; None where there is none."""
    bundle_id = latest_metadata(instance, asset_key(use_case, "exported_model"), REFERENCE)
    deployments = home.deployments(use_case)
    current = deployments.current()
    if bundle_id is None or (current is not None and current.bundle_id == bundle_id):
        return None
    if current is not None and bundle_id in {each.bundle_id for each in deployments.history()}:
        return f"bundle {bundle_id} answered before {current.bundle_id} did: {current.why}"
    if not _passed(instance, use_case):
        command = run_until(use_case, "evaluation_report")
        return f"bundle {bundle_id} is not known to have passed its checks: {command}"
    return (
        f"bundle {bundle_id} passed its checks and nobody has deployed it: "
        f"vision-assets run {use_case.name} --select bento_service --select deployment"
    )


def _passed(instance: dg.DagsterInstance, use_case: UseCase) -> bool:
    """Whether the bundle that was made last is known to have passed its parity and its gates."""
    made, judged = (
        instance.get_latest_materialization_event(asset_key(use_case, noun))
        for noun in ("exported_model", "evaluation_report")
    )
    if made is None or judged is None or judged.timestamp < made.timestamp:
        return False
    return blocked_by(made) == blocked_by(judged) == []
