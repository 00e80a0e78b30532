"""What of a use case is never removed, whatever its age, and why."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg

from vision_assets.assets.graph import REFERENCE, asset_key, latest_metadata
from vision_assets.assets.runs import UNFINISHED
from vision_assets.home import Home
from vision_assets.keeping.pins import pins
from vision_assets.resources.agreement import champion
from vision_assets.serving.deployments import Deployments
from vision_assets.vision.inference.service.slot import acknowledgements
from vision_assets.vision.store.image_store import ImageStore
from vision_assets.vision.store.proposals import open_proposals
from vision_assets.vision.use_case import UseCase

_WORKER_SEEN_S = 3600
_LATEST = ("trained_model", "exported_model", "evaluation_report", "bento_service")


@dataclass
class Protection:
    """Ids of bundles, models and reports that stay, each with the reason.

    Attributes:
        since_s: what was written since then stays: a run that is under way may use it.
    """

    reasons: dict[str, str] = field(default_factory=dict)
    since_s: float = float("inf")

    def covers(self, *ids: str) -> bool:
        """Whether one of the ids is protected."""
        return any(each in self.reasons for each in ids)


def protection(home: Home, case: UseCase, instance: dg.DagsterInstance) -> Protection:
    """What of a use case stays.

    Raises:
        DeploymentError: the deployment log is damaged; then nothing may be removed.
        StoreError: the pins are damaged; likewise.
    """
    found = Protection(since_s=_earliest_start_s(instance))
    for why, what in _protected(home, case, instance):
        found.reasons.setdefault(what, why)
    return found


def in_use(folder: Path) -> bool:
    """Whether a process runs from a folder, as the workers of an endpoint do."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve().is_relative_to(folder):
                return True
            said = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
        if str(folder).encode() in said:
            return True
    return False


def _protected(
    home: Home, case: UseCase, instance: dg.DagsterInstance
) -> Iterator[tuple[str, str]]:
    deployments = Deployments(home.deployments(case.name))
    current = deployments.current()
    if current is not None:
        yield from (("deployed", current.bundle_id), ("deployed", current.model_id))
        if current.previous is not None:
            yield "the one before", current.previous
    for worker in acknowledgements(deployments.slot_path, _WORKER_SEEN_S):
        yield "a worker answers with it", worker.bundle_id
    for pin in pins(home, case.name):
        yield f"pinned by {pin.by}: {pin.why}", pin.what
    yield from _latest(case, instance)
    model = champion(home, case.name) if (home.mlflow / "mlflow.db").exists() else None
    if model is not None:
        yield "champion", model
    for author in open_proposals(ImageStore.open(home.store(case.name)))["author"].unique():
        yield "its proposals wait for a person", author.rpartition(" ")[2]


def _latest(case: UseCase, instance: dg.DagsterInstance) -> Iterator[tuple[str, str]]:
    """What the assets made last: the next run starts from it, or a person looks at it."""
    for noun in _LATEST:
        reference = latest_metadata(instance, asset_key(case, noun), REFERENCE)
        if reference is not None:
            yield f"the latest {noun}", str(reference).rpartition(":")[2]


def _earliest_start_s(instance: dg.DagsterInstance) -> float:
    """When the oldest run that is under way began."""
    records = instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=1, ascending=True)
    return min((each.create_timestamp.timestamp() for each in records), default=float("inf"))
