"""Runs of Dagster: which have ended, the jobs of a use case, for which use cases a run works."""

import dagster as dg

from vision_assets.vision.use_case import UseCase

ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in ENDED]
_INGEST, _RETRAIN = "_ingest", "_retrain"


def ingest_job_name(use_case: UseCase) -> str:
    """Name of the job that ingests one batch."""
    return f"{use_case.name}{_INGEST}"


def retraining_job_name(use_case: UseCase) -> str:
    """Name of the job from dataset version to deployment."""
    return f"{use_case.name}{_RETRAIN}"


def use_cases_of(run: dg.DagsterRun) -> set[str]:
    """Names of the use cases that a run works for: whose job it is, and whose assets it makes."""
    job = run.job_name
    by_job = {job.removesuffix(end) for end in (_INGEST, _RETRAIN) if job.endswith(end)}
    return by_job | {key.path[0] for key in run.asset_selection or ()}
