"""What a training would start from: one token, the same while nothing has changed."""

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.store.image_store import ImageStore

STATE_TAG = "vision_assets/state"
REASON_TAG = "vision_assets/reason"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def state_token(store: "ImageStore", use_case: UseCase) -> str:
    """Hash of the stored images and labels, the YAML and the package's version."""
    parts = [store.token(), use_case.spec.model_dump(mode="json"), version("vision-assets")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def is_over(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run has ended, one way or another, or is not known."""
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def runs_of(
    instance: dg.DagsterInstance,
    job_name: str,
    statuses: list[dg.DagsterRunStatus],
    tags: dict[str, str] | None = None,
    limit: int = 1,
) -> list[dg.DagsterRun]:
    """The latest runs of a job in any of the statuses."""
    filters = dg.RunsFilter(job_name=job_name, statuses=statuses, tags=tags or {})
    return list(instance.get_runs(filters, limit=limit))
