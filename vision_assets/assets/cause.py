"""Why a run began, by whom, and from which state: tags of the run."""

import hashlib
import json
from importlib.metadata import version
from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.graph import asset_key
from vision_assets.assets.runs import retraining_job_name
from vision_assets.assets.yaml_keys import ELSEWHERE
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.store.image_store import ImageStore

STATE_TAG = "vision_assets/state"
REASON_TAG = "vision_assets/reason"
BY_TAG = "vision_assets/by"
_FROM_UI_TAG = "dagster/from_ui"
CHANGES_NO_MODEL = {*ELSEWHERE, "score", "search"}
"""Sections of the YAML that nothing reads from the images to the report of a model."""


def state_token(store: "ImageStore", use_case: UseCase) -> str:
    """Hash of the stored images and labels, what the YAML says of models, and the release."""
    said = use_case.spec.model_dump(mode="json", exclude=CHANGES_NO_MODEL)
    parts = [store.token(), said, version("vision-assets")]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def trains(run: dg.DagsterRun, use_case: UseCase) -> bool:
    """Whether a run holds a training of the use case."""
    if run.asset_selection is not None:
        return asset_key(use_case, "trained_model") in run.asset_selection
    return run.job_name == retraining_job_name(use_case)


def cause_of(run: dg.DagsterRun) -> dict[str, str]:
    """Why a run began and who asked for it, as tags.

    Dagster's open-source UI knows no names of people: what was begun there says so.
    """
    in_ui = _FROM_UI_TAG in run.tags
    reason = "by hand in the Dagster UI" if in_ui else "materialized by hand"
    by = "a person in the Dagster UI" if in_ui else f"run {run.run_id}"
    return {REASON_TAG: run.tags.get(REASON_TAG, reason), BY_TAG: run.tags.get(BY_TAG, by)}


def record_cause(
    context: dg.AssetExecutionContext, use_case: UseCase, state: str | None = None
) -> None:
    """Tag the run with its cause, and with what it trains from.

    Args:
        context: of an asset of the run.
        use_case: that the asset belongs to.
        state: token of what a dataset version is made from; recorded where the run trains on it.
    """
    tags = cause_of(context.run)
    if state is not None and trains(context.run, use_case):
        tags[STATE_TAG] = state
    context.instance.add_run_tags(context.run.run_id, tags)
