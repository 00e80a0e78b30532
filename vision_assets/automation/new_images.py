"""new_images: the sensor that turns settled files in the landing folder into ingest runs.

A batch file is written before its run is requested, and the run key is the batch's hash:
a daemon that dies between the two requests the same run again, and Dagster starts it once.
A failed batch is requested again by the sensor, a bounded number of times, with growing waits;
so Dagster's own retries are off for these runs. A run that never started, because its server was
away, is none of these tries.
"""

import time
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import dagster as dg

from vision_assets.assets.graph import asset_key, op_name
from vision_assets.assets.raw_images import BATCH_TAG
from vision_assets.assets.runs import UNFINISHED, ingest_job_name
from vision_assets.automation.state import runs_of
from vision_assets.resources.home import HomeResource
from vision_assets.vision.disk import disk_state
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.store.landing import Batch

INTERVAL_S = 5
MAX_REQUESTS = 5
MAX_TRIES = 4
MAX_RUNS = 100
RETRY_WAIT_S = 30.0
RESTS = 10
"""A look that finds nothing is followed by a rest of so many times what it took: with many files
kept in the landing folder, listing them takes seconds."""
MAX_REST_S = 300.0
_FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def new_images(use_case: UseCase) -> dg.SensorDefinition:
    """Build the sensor `<use_case>_new_images`."""
    running = use_case.spec.triggers.new_images
    ingest = dg.define_asset_job(
        ingest_job_name(use_case),
        selection=[asset_key(use_case, "raw_images")],
        description="Take one batch of the landing folder, or all that waits there.",
        tags={"dagster/max_retries": "0"},
    )

    @dg.sensor(
        name=f"{use_case.name}_new_images",
        job=ingest,
        minimum_interval_seconds=INTERVAL_S,
        default_status=(
            dg.DefaultSensorStatus.RUNNING if running else dg.DefaultSensorStatus.STOPPED
        ),
        description="Takes files that have stopped growing, in bounded batches.",
    )
    def sense(context: dg.SensorEvaluationContext, home: HomeResource):
        disk = disk_state(home.home.root)
        if disk.low:
            return dg.SkipReason(f"Low on disk, files wait where they are: {disk.text}.")
        rest_s = _rest_s(context.cursor)
        if rest_s > 0:
            return dg.SkipReason(f"Many files lie there: it is looked again in {rest_s:.0f} s.")
        began_s = time.monotonic()
        batches = _todo(home, use_case)
        if not batches:
            rest_s = RESTS * (time.monotonic() - began_s)
            if rest_s > INTERVAL_S:
                context.update_cursor(str(time.time() + min(rest_s, MAX_REST_S)))
            return dg.SkipReason("No settled file waits in the landing folder.")
        requests = (_request(context.instance, use_case, batch) for batch in batches)
        due = list(islice(filter(None, requests), MAX_REQUESTS))
        if not due:
            return dg.SkipReason(f"{len(batches)} batches are in flight or wait for a retry.")
        return dg.SensorResult(run_requests=due)

    return sense


def _rest_s(cursor: str | None) -> float:
    """Seconds until the landing folder is looked at again; a clock that was set back ends it."""
    left_s = float(cursor) - time.time() if cursor else 0.0
    return left_s if left_s <= MAX_REST_S else 0.0


def _todo(home: HomeResource, use_case: UseCase) -> "list[Batch]":
    """Batches that are not yet in the store, the ones just written among them."""
    from vision_assets.vision.store.landing import waiting_and_open, write_batches

    source = use_case.spec.source
    store = home.image_store(use_case)
    folder = home.home.batches(use_case.name)
    landing = home.home.landing(source.landing)
    now_s = time.time()
    files, opened = waiting_and_open(landing, store, source, folder, now_s)
    return opened + write_batches(files, source.batch, folder, now_s)


def given_up(instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase) -> int:
    """Files of batches that failed so often that only a person takes them."""
    from vision_assets.vision.store.landing import open_batches

    batches = open_batches(home.home.batches(use_case.name), home.image_store(use_case))
    job = ingest_job_name(use_case)
    return sum(batch.n_files for batch in batches if _is_given_up(_failures(instance, job, batch)))


def _request(
    instance: dg.DagsterInstance, use_case: UseCase, batch: "Batch"
) -> dg.RunRequest | None:
    """The run that takes the batch; None while one is under way or a retry is not yet due."""
    tags = {BATCH_TAG: batch.batch_id}
    job = ingest_job_name(use_case)
    if runs_of(instance, job, UNFINISHED, tags):
        return None
    failures = _failures(instance, job, batch)
    if _is_given_up(failures) or not _is_due(failures):
        return None
    config = {"config": {"batch": batch.batch_id}}
    return dg.RunRequest(
        run_key=f"{batch.batch_id}:{len(failures)}",
        run_config={"ops": {op_name(use_case, "raw_images"): config}},
        tags=tags,
    )


def _failures(instance: dg.DagsterInstance, job: str, batch: "Batch") -> Sequence[dg.RunRecord]:
    """Runs of a batch that failed, the latest first."""
    tags = {BATCH_TAG: batch.batch_id}
    filters = dg.RunsFilter(job_name=job, statuses=_FAILED, tags=tags)
    return instance.get_run_records(filters, limit=MAX_RUNS)


def _tries(failures: Sequence[dg.RunRecord]) -> int:
    """Of them, those that had started."""
    return sum(record.start_time is not None for record in failures)


def _is_given_up(failures: Sequence[dg.RunRecord]) -> bool:
    return len(failures) >= MAX_RUNS or _tries(failures) >= MAX_TRIES


def _is_due(failures: Sequence[dg.RunRecord]) -> bool:
    """Whether the wait is over; an end that lies ahead is of before the clock was set back."""
    if not failures:
        return True
    ended_s = failures[0].end_time or failures[0].create_timestamp.timestamp()
    return not 0 <= time.time() - ended_s < RETRY_WAIT_S * 2 ** max(0, _tries(failures) - 1)
