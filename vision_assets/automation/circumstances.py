"""What a decision about a training rests on: images from the store, runs from Dagster."""

import time
from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.cause import BY_TAG, REASON_TAG, STATE_TAG, state_token, trains
from vision_assets.assets.graph import asset_key, latest_metadata
from vision_assets.assets.runs import UNFINISHED
from vision_assets.assets.trained_model import training_lock
from vision_assets.automation.failures import error_of
from vision_assets.automation.state import is_left_behind
from vision_assets.resources.home import HomeResource
from vision_assets.vision.disk import disk_state
from vision_assets.vision.errors import DatasetError
from vision_assets.vision.file_lock import is_locked
from vision_assets.vision.retraining import Circumstances, Decision, NewImages, decide
from vision_assets.vision.spec import ScheduleSpec
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_AT = 50
_RETRY_WAIT_S = 300.0
_FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


def decision(
    instance: dg.DagsterInstance,
    home: HomeResource,
    use_case: UseCase,
    images: NewImages | None = None,
    clock: ScheduleSpec | None = None,
    now_s: float | None = None,
) -> Decision:
    """Whether a training of the use case would start by itself now.

    Args:
        instance: whose runs count.
        home: where the images are.
        use_case: that would be trained.
        images: where they were counted before; None: they are counted now.
        clock: the schedule whose hour has come, if it has.
        now_s: seconds since 1970; None: now.
    """
    return decide(
        use_case.name,
        use_case.spec.triggers,
        images or new_images_of(home, use_case, last_version(instance, use_case)),
        lambda: circumstances(instance, home, use_case),
        time.time() if now_s is None else now_s,
        clock,
    )


def circumstances(
    instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase
) -> Circumstances:
    """What may stand against a training of the use case."""
    state = state_token(home.image_store(use_case), use_case)
    filters = dg.RunsFilter(tags={STATE_TAG: state})
    runs = [run for run in instance.get_runs(filters, limit=_LOOKED_AT) if trains(run, use_case)]
    succeeded = [run for run in runs if run.is_success]
    failed = [run for run in runs if run.status in _FAILED]
    return Circumstances(
        under_way=under_way(instance, home, use_case),
        succeeded=succeeded[0].run_id if succeeded else None,
        failed=tuple(run.run_id for run in failed),
        error=str(error_of(instance, failed[0].run_id)) if failed else "",
        canceled=bool(failed) and failed[0].status is dg.DagsterRunStatus.CANCELED,
        last_began_s=last_began_s(instance, use_case),
        on_their_way=_on_their_way(home, use_case),
        low_disk=_low_disk(home),
    )


def under_way(instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase) -> str | None:
    """The training of the use case that runs or waits to run, in words."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if trains(run, use_case) and not is_left_behind(run):
            by, why = run.tags.get(BY_TAG, ""), run.tags.get(REASON_TAG, "")
            told = ", ".join(filter(None, (f"run {run.run_id[:8]}", by, why)))
            return f"{told} ({run.status.value.lower()})"
    last = last_training(instance, use_case)
    if last is not None and _is_about_to_begin_again(last):
        return f"run {last.dagster_run.run_id[:8]}, whose process died and is started again"
    if is_locked(training_lock(home.home, use_case)):
        return "a process of its own holds the lock of trainings"
    return None


def _is_about_to_begin_again(record: dg.RunRecord) -> bool:
    """Whether Dagster has said that it retries a failed run, and has not done so yet."""
    tags = record.dagster_run.tags
    return (
        record.dagster_run.status is dg.DagsterRunStatus.FAILURE
        and tags.get("dagster/will_retry") == "true"
        and "dagster/auto_retry_run_id" not in tags
        and 0 <= time.time() - (record.end_time or 0.0) < _RETRY_WAIT_S
    )


def last_began_s(instance: dg.DagsterInstance, use_case: UseCase) -> float | None:
    """When the last training began, or was asked for; None where none is known."""
    record = last_training(instance, use_case)
    return None if record is None else record.start_time or record.create_timestamp.timestamp()


def last_training(instance: dg.DagsterInstance, use_case: UseCase) -> dg.RunRecord | None:
    """The last run that held a training of the use case, however it was started and ended."""
    planned = instance.get_latest_planned_materialization_info(asset_key(use_case, "trained_model"))
    return None if planned is None else instance.get_run_record_by_id(planned.run_id)


def last_version(instance: dg.DagsterInstance, use_case: UseCase) -> str | None:
    """Name of the dataset version that a model was last trained on."""
    return latest_metadata(instance, asset_key(use_case, "trained_model"), "dataset")


def new_images_of(home: HomeResource, use_case: UseCase, version: str | None) -> NewImages:
    """Labelled images that a dataset version does not hold with a label.

    Args:
        home: where the images are.
        use_case: whose they are.
        version: name of the version of the last training; None, or one that is gone: all are new.
    """
    labelled = home.image_store(use_case).labels()["image_id"]
    known = _labelled_in(home, use_case, version)
    new = labelled if known is None else labelled[~labelled.isin(known)]
    return NewImages(
        new=len(new),
        held=0 if known is None else len(known),
        version=None if known is None else version,
        oldest_at_s=_oldest_at_s(home, use_case, new),
    )


def _labelled_in(home: HomeResource, use_case: UseCase, version: str | None) -> "pd.Series | None":
    if version is None:
        return None
    try:
        manifest = home.datasets(use_case).get(version).manifest(["image_id", "label"])
    except DatasetError:
        return None
    return manifest.loc[manifest["label"].notna(), "image_id"]


def _oldest_at_s(home: HomeResource, use_case: UseCase, new: "pd.Series") -> float | None:
    """When the image that waits longest had its label."""
    if new.empty:
        return None
    events = home.image_store(use_case).annotation_table.lookup(
        "image_id", new.tolist(), ["image_id", "time"]
    )
    return float(events.to_pandas().groupby("image_id")["time"].max().min().timestamp())


def _low_disk(home: HomeResource) -> str:
    disk = disk_state(home.home.root)
    return disk.text if disk.low else ""


def _on_their_way(home: HomeResource, use_case: UseCase) -> int:
    from vision_assets.vision.store.landing import open_batches

    batches = open_batches(home.home.batches(use_case.name), home.image_store(use_case))
    return sum(batch.n_files for batch in batches)
