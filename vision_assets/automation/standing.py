"""How a use case stands: what answers, how fresh it is, what waits, what failed.

Everything that `vision-assets status` and the asset `<use_case>/status` show is here.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from vision_assets.assets.graph import asset_key
from vision_assets.assets.runs import use_cases_of
from vision_assets.automation.last_training import Stop, stops, undeployed
from vision_assets.automation.liveness import (
    Daemon,
    FailedRun,
    daemon,
    last_failed_run,
    slow_runs,
    stopped_by_hand,
)
from vision_assets.automation.outbox import Outbox
from vision_assets.automation.waits import Wait, waiting_files, waits
from vision_assets.resources.home import HomeResource
from vision_assets.serving.deployments import Deployments, gone_after_s
from vision_assets.serving.endpoint import is_ready
from vision_assets.vision.disk import disk_state
from vision_assets.vision.errors import VisionAssetsError
from vision_assets.vision.use_case import UseCase

if TYPE_CHECKING:
    from vision_assets.vision.store.image_store import ImageStore

_RUNS = 5
_RUNS_LOOKED_AT = 50


@dataclass(frozen=True)
class Standing:
    """How a use case stands.

    Attributes:
        use_case: its name.
        answers: bundle_id, since, why, by, previous, dataset, port, ready, and others: which
            workers go on with another bundle, and why; None before the first deployment.
        damaged: why the deployment log cannot be read; None where it can.
        images: that are stored.
        labelled: of them.
        quarantined: open items.
        waiting: files that are to be ingested; None where the landing folder cannot be listed.
        newest_image_at: when the last image was taken.
        dataset: name, created_at, valid, and how many versions there are; None before the first.
        model_at: when a model was last trained.
        waits: what waits for whom.
        stops: checks that block the model that was trained last.
        undeployed: why that model does not answer; None where it does.
        failed: the last run that failed, unless it was made up for.
        slow: runs that are under way for much longer than their job takes.
        daemon: whether Dagster's daemon runs.
        stopped: sensors and schedules that a person has switched off.
        undelivered: alerts of the use case that the webhook has not taken, and why.
        free_bytes: on the disk of the home.
        low_disk: why nothing new is taken, in words; None where there is room.
        runs: the last ones: run_id, status, job, at.
    """

    use_case: str
    answers: dict[str, Any] | None
    damaged: str | None
    images: int
    labelled: int
    quarantined: int
    waiting: int | None
    newest_image_at: datetime | None
    dataset: dict[str, Any] | None
    model_at: datetime | None
    waits: tuple[Wait, ...]
    stops: tuple[Stop, ...]
    undeployed: str | None
    failed: FailedRun | None
    slow: tuple[str, ...]
    daemon: Daemon
    stopped: tuple[str, ...]
    undelivered: tuple[str, ...]
    free_bytes: int
    low_disk: str | None
    runs: tuple[dict[str, str], ...]


def standing(instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase) -> Standing:
    """Look at a use case; nothing is changed.

    Raises:
        VisionAssetsError: what it holds is damaged.
    """
    store = home.image_store(use_case)
    quarantine = store.quarantine()
    answers, damaged = answering(home, use_case)
    files, disk = waiting_files(home, use_case), disk_state(home.home.root)
    return Standing(
        use_case=use_case.name,
        answers=answers,
        damaged=damaged,
        images=store.image_table.count() - len(store.erased()),
        labelled=len(store.labels()),
        quarantined=int((~quarantine["settled"]).sum()),
        waiting=files,
        newest_image_at=_newest_image_at(store),
        dataset=_latest_version(home, use_case),
        model_at=_materialized_at(instance, use_case, "trained_model"),
        waits=tuple(waits(instance, home, use_case, files)),
        stops=tuple(stops(instance, use_case)),
        undeployed=None if damaged else undeployed(instance, home, use_case),
        failed=last_failed_run(instance, use_case),
        slow=tuple(slow_runs(instance, use_case)),
        daemon=daemon(instance),
        stopped=tuple(stopped_by_hand(instance, use_case)),
        undelivered=tuple(_undelivered(home, use_case)),
        free_bytes=disk.free_bytes,
        low_disk=disk.text if disk.low else None,
        runs=tuple(_runs(instance, use_case)),
    )


def answering(home: HomeResource, use_case: UseCase) -> tuple[dict[str, Any] | None, str | None]:
    """The deployment that answers and whether its endpoint is ready; or why it is not known."""
    try:
        deployments = home.deployments(use_case)
        current = deployments.current()
    except VisionAssetsError as error:
        return None, str(error)
    if current is None:
        return None, None
    chosen = {"bundle_id", "since", "why", "by", "previous", "dataset"}
    endpoint = {
        "port": use_case.spec.service.port,
        "ready": is_ready(home.home, use_case),
        "others": _others(deployments, use_case),
    }
    return current.model_dump(mode="json", include=chosen) | endpoint, None


def _others(deployments: Deployments, use_case: UseCase) -> list[str]:
    """Workers that could not take what is deployed: they answer with what they had before."""
    switch = deployments.switch(gone_after_s(use_case.spec.service.slot_poll_s))
    refusals = Counter((worker.bundle_id, worker.refused) for worker in switch.refused)
    return [
        f"{number} of {len(switch.refused) + len(switch.taken)} workers answer with bundle "
        f"{bundle_id}: {why}"
        for (bundle_id, why), number in sorted(refusals.items())
    ]


def _newest_image_at(store: "ImageStore") -> datetime | None:
    if not store.image_table.count():
        return None
    received = store.image_table.scan(["received_at"]).to_pandas()["received_at"]
    return received.max().to_pydatetime().astimezone(UTC)


def _latest_version(home: HomeResource, use_case: UseCase) -> dict[str, Any] | None:
    versions = home.datasets(use_case).list()
    if not versions:
        return None
    latest = versions[-1]
    return {
        "name": latest.name,
        "created_at": latest.created_at.isoformat(),
        "valid": latest.valid,
        "versions": len(versions),
    }


def _materialized_at(instance: dg.DagsterInstance, use_case: UseCase, noun: str) -> datetime | None:
    event = instance.get_latest_materialization_event(asset_key(use_case, noun))
    return None if event is None else datetime.fromtimestamp(event.timestamp, UTC)


def _runs(instance: dg.DagsterInstance, use_case: UseCase) -> list[dict[str, str]]:
    return [
        {
            "run_id": record.dagster_run.run_id,
            "status": record.dagster_run.status.value,
            "job": record.dagster_run.job_name,
            "at": f"{record.create_timestamp:%Y-%m-%d %H:%M}",
        }
        for record in instance.get_run_records(limit=_RUNS_LOOKED_AT)
        if use_case.name in use_cases_of(record.dagster_run)
    ][:_RUNS]


def _undelivered(home: HomeResource, use_case: UseCase) -> Iterator[str]:
    for letter in Outbox(home.home.alerts).undelivered():
        if letter.message["use_case"] == use_case.name:
            yield f"{letter.message['what']}: {letter.error}, {letter.tries} tries"
