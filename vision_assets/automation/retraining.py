"""Retraining: by enough new labelled images, and by the clock; nothing when nothing changed."""

import dagster as dg

from vision_assets.assets.graph import GRAPH, asset_key
from vision_assets.automation.state import REASON_TAG, STATE_TAG, UNFINISHED, runs_of, state_token
from vision_assets.resources.home import HomeResource
from vision_assets.vision.disk import disk_state
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.use_case import UseCase

INTERVAL_S = 10


def retraining_job_name(use_case: UseCase) -> str:
    """Name of the job from dataset version to deployment."""
    return f"{use_case.name}_retrain"


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


def _enough_new_images(use_case: UseCase) -> dg.SensorDefinition:
    enough = use_case.spec.triggers.retrain_after

    @dg.sensor(
        name=f"{use_case.name}_enough_new_images",
        job_name=retraining_job_name(use_case),
        minimum_interval_seconds=INTERVAL_S,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if enough else dg.DefaultSensorStatus.STOPPED
        ),
        description=f"Retrains once {enough} new labelled images are stored and no more come.",
    )
    def sense(context: dg.SensorEvaluationContext, home: HomeResource):
        if enough is None:
            return dg.SkipReason("triggers.retrain_after is null: never by the number of images.")
        store = home.image_store(use_case)
        token = store.token()
        if context.cursor == token:
            return dg.SkipReason("Nothing was stored since the last look.")
        if _images_on_their_way(home, use_case):
            return dg.SkipReason("Images are still on their way into the store.")
        new = new_labelled_images(home, use_case)
        if new < enough:
            context.update_cursor(token)
            return dg.SkipReason(f"{new} new labelled images, {enough} start a training.")
        return _request_or_skip(
            context, home, use_case, f"{new} new labelled images, {enough} were asked for"
        )

    return sense


def _schedule(use_case: UseCase) -> dg.ScheduleDefinition:
    spec = use_case.spec.schedule

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
        return _request_or_skip(context, home, use_case, f"schedule {spec.cron} {spec.timezone}")

    return tick


def _request_or_skip(
    context: dg.SensorEvaluationContext | dg.ScheduleEvaluationContext,
    home: HomeResource,
    use_case: UseCase,
    reason: str,
) -> dg.RunRequest | dg.SkipReason:
    """One training for one state of images, YAML and code; none beside another."""
    disk = disk_state(home.home.root)
    if disk.low:
        return dg.SkipReason(f"Low on disk, no training is started: {disk.text}.")
    job = retraining_job_name(use_case)
    if runs_of(context.instance, job, UNFINISHED):
        return dg.SkipReason("A training of this use case is under way.")
    state = state_token(home.image_store(use_case), use_case)
    if runs_of(context.instance, job, [dg.DagsterRunStatus.SUCCESS], {STATE_TAG: state}):
        return dg.SkipReason("Nothing has changed since the last training: images, YAML, code.")
    return dg.RunRequest(
        run_key=None if isinstance(context, dg.ScheduleEvaluationContext) else state,
        tags={STATE_TAG: state, REASON_TAG: reason},
    )


def new_labelled_images(home: HomeResource, use_case: UseCase) -> int:
    """Labelled images in the store that the latest dataset version does not hold with a label."""
    labelled = home.image_store(use_case).labels()["image_id"]
    try:
        manifest = home.datasets(use_case).get("latest").manifest()
    except DatasetError:
        return len(labelled)
    known = manifest.loc[manifest["label"].notna(), "image_id"]
    return int((~labelled.isin(known)).sum())


def _images_on_their_way(home: HomeResource, use_case: UseCase) -> bool:
    from vision_assets.vision.store.landing import open_batches

    return bool(open_batches(home.home.batches(use_case.name), home.image_store(use_case)))
