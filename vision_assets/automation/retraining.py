"""Retraining: by new labelled images, by the clock, by a person; nothing when nothing changed.

Whether a training starts is decided in `vision.retraining`; here it is asked for.
"""

import json
from dataclasses import asdict
from zoneinfo import ZoneInfo

import dagster as dg

from vision_assets.assets.cause import BY_TAG, REASON_TAG, STATE_TAG, state_token
from vision_assets.assets.graph import GRAPH, asset_key
from vision_assets.assets.runs import retraining_job_name
from vision_assets.automation.circumstances import (
    decision,
    last_began_s,
    last_version,
    new_images_of,
)
from vision_assets.automation.request import claim
from vision_assets.resources.home import HomeResource
from vision_assets.vision.errors import SpecError
from vision_assets.vision.retraining import Decision, NewImages
from vision_assets.vision.spec import ScheduleSpec
from vision_assets.vision.use_case import UseCase

INTERVAL_S = 10


def retraining(use_case: UseCase) -> dg.Definitions:
    """The job, the sensor and the schedule that retrain one use case."""
    job = dg.define_asset_job(
        retraining_job_name(use_case),
        selection=[asset_key(use_case, noun) for noun in GRAPH[1:]],
        description="From a new dataset version to the deployed service.",
    )
    return dg.Definitions(
        jobs=[job], sensors=[_enough_new_images(use_case)], schedules=[_schedule(use_case)]
    )


def check_schedule(spec: ScheduleSpec) -> None:
    """Raise where Dagster would take no schedule of it.

    Raises:
        SpecError: the cron expression or the time zone is none.
    """
    try:
        ZoneInfo(spec.timezone)
    except (ValueError, OSError, KeyError):
        raise SpecError(
            f"expected a time zone, such as UTC or Europe/Berlin, got {spec.timezone!r}",
            ("schedule", "timezone"),
        ) from None
    try:
        dg.ScheduleDefinition(name="asked", job_name="asked", cron_schedule=spec.cron)
    except dg.DagsterInvalidDefinitionError:
        raise SpecError(
            f"expected five fields, minute to weekday, such as '0 3 * * 0', got {spec.cron!r}",
            ("schedule", "cron"),
        ) from None


def _enough_new_images(use_case: UseCase) -> dg.SensorDefinition:
    wanted = use_case.spec.triggers.by_images

    @dg.sensor(
        name=f"{use_case.name}_enough_new_images",
        job_name=retraining_job_name(use_case),
        minimum_interval_seconds=INTERVAL_S,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if wanted else dg.DefaultSensorStatus.STOPPED
        ),
        description=(
            "Retrains once enough new labelled images are stored, by number, share or age; "
            f"`vision-assets explain {use_case.name}` says what is missing."
        ),
    )
    def sense(context: dg.SensorEvaluationContext, home: HomeResource):
        images = _counted(context, home, use_case)
        decided = decision(context.instance, home, use_case, images)
        return _request(context.instance, home, use_case, decided, "images")

    return sense


def _counted(
    context: dg.SensorEvaluationContext, home: HomeResource, use_case: UseCase
) -> NewImages:
    """The images that wait; counted anew only where something was stored or trained since."""
    version = last_version(context.instance, use_case)
    seen = [home.image_store(use_case).token(), version]
    known = _cursor(context.cursor)
    if known.get("seen") == seen:
        return NewImages(**known["images"])
    images = new_images_of(home, use_case, version)
    context.update_cursor(json.dumps({"seen": seen, "images": asdict(images)}))
    return images


def _cursor(text: str | None) -> dict:
    """What the sensor noted; nothing where an earlier release did."""
    try:
        said = json.loads(text or "{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _schedule(use_case: UseCase) -> dg.ScheduleDefinition:
    spec: ScheduleSpec = use_case.spec.schedule

    @dg.schedule(
        name=f"{use_case.name}_retrain_schedule",
        job_name=retraining_job_name(use_case),
        cron_schedule=spec.cron,
        execution_timezone=spec.timezone,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING if spec.enabled else dg.DefaultScheduleStatus.STOPPED
        ),
        description="Retrains by the clock; skips when nothing has changed.",
    )
    def tick(context: dg.ScheduleEvaluationContext, home: HomeResource):
        decided = decision(context.instance, home, use_case, clock=spec)
        return _request(context.instance, home, use_case, decided, "schedule")

    return tick


def _request(
    instance: dg.DagsterInstance,
    home: HomeResource,
    use_case: UseCase,
    decided: Decision,
    who: str,
) -> dg.RunRequest | dg.SkipReason:
    """One training for one state of images, YAML and code, whoever asks first."""
    if not decided.trains:
        return dg.SkipReason(decided.why_not)
    state = state_token(home.image_store(use_case), use_case)
    began_s = last_began_s(instance, use_case)
    if not claim(home.home, use_case, who, began_s):
        return dg.SkipReason("Another trigger has asked for this training a moment ago.")
    return dg.RunRequest(
        # A second try after a failure is a run of its own.
        run_key=f"{state}:{began_s}",
        tags={STATE_TAG: state, REASON_TAG: decided.reason, BY_TAG: f"trigger: {who}"},
    )
