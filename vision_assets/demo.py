"""The main job, watched: images in the landing folder, a deployed endpoint in the end.

Nothing here does the work: the daemon's sensors start the runs. This module drops images,
starts the servers, and tells what happens until the endpoint answers.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import httpx

from vision_assets.assets.graph import GRAPH
from vision_assets.assets.runs import UNFINISHED, ingest_job_name, use_cases_of
from vision_assets.automation.circumstances import decision, under_way
from vision_assets.automation.state import runs_of
from vision_assets.execution import instance
from vision_assets.home import Home
from vision_assets.resources.home import HomeResource
from vision_assets.serving.deployments import Deployments
from vision_assets.serving.endpoint import is_ready
from vision_assets.stack import Stack
from vision_assets.vision.errors import ServiceError, SpecError
from vision_assets.vision.inference.service.keys import own_key
from vision_assets.vision.use_case import UseCase

POLL_S = 1.0
SAMPLES = 400


@dataclass(frozen=True)
class Step:
    """One thing that happened, for people to read."""

    asset: str
    text: str
    ok: bool = True


@dataclass(frozen=True)
class Demo:
    """The sample use case of a task: its name, the format of its annotations, and a recipe that
    learns them in a few minutes on two cores.
    """

    use_case: str
    format: str
    recipe: Mapping[str, Any] = field(default_factory=dict)


DEMOS = {
    "classification": Demo("surface", "pattern"),
    "detection": Demo("surface_detection", "voc", {"image_size_px": 128, "epochs": 20}),
    "segmentation": Demo(
        "surface_segmentation",
        "masks",
        {"epochs": 15, "learning_rate": 4e-3, "augment": "surface"},
    ),
    "anomaly": Demo("surface_anomaly", "mvtec", {"image_size_px": 128, "epochs": 15}),
}
"""By task. That of classification is in `vision_assets/defs`; `init` writes the others."""


def demo_of(task: str) -> Demo:
    """The sample use case of a task.

    Raises:
        SpecError: the task has none.
    """
    if task not in DEMOS:
        raise SpecError(f"expected a task of {', '.join(DEMOS)}, got {task!r}")
    return DEMOS[task]


def drop_samples(landing: Path, format: str, n: int = SAMPLES, seed: int = 0) -> None:
    """Draw sample images into a landing folder; the same files when called again."""
    from vision_assets.vision.samples.write import write_samples

    write_samples(landing, n, seed, format=format)


def picture_to_ask(home: Home, case: UseCase) -> Path:
    """An image of the landing folder that was accepted, to send to the endpoint.

    Raises:
        ServiceError: none of the accepted images is there any more.
    """
    from vision_assets.vision.store.image_store import ImageStore

    landing = home.landing(case.spec.source.landing)
    sources = ImageStore.open(home.store(case.name)).images()["source"]
    for source in sources:
        if (landing / source).is_file():
            return landing / source
    raise ServiceError(f"no accepted image is left in {landing}; drop one there to ask about it")


def watch(home: Home, case: UseCase, stack: Stack, deadline_s: float) -> Iterator[Step]:
    """Events of the use case's assets until its endpoint answers with what was deployed.

    Where nothing is new since an earlier deployment, that one answers.

    Raises:
        ServiceError: a run failed, nothing will be deployed, or the time is over.
    """
    began = datetime.now(UTC)
    deadline = time.monotonic() + deadline_s
    deployments = Deployments(home.deployments(case.name))
    before = deployments.current()
    with instance(home) as dagster:
        seen: set[tuple[str, str]] = set()
        while deployments.current() == before:
            stack.tick()
            yield from _new_steps(dagster, case, seen)
            _refuse_failed(dagster, case, began)
            if _nothing_is_new(dagster, home, case):
                break
            _check_deadline(deadline, case)
            time.sleep(POLL_S)
        yield from _new_steps(dagster, case, seen)
    if deployments.current() is None:
        raise ServiceError(
            f"nothing of {case.name} waits or runs, and nothing is deployed; "
            f"`vision-assets explain {case.name}` says what starts a training and what is missing"
        )
    yield Step("endpoint", f"starts at {endpoint_url(case)}")
    while not is_ready(home, case):
        stack.tick()
        _check_deadline(deadline, case)
        time.sleep(POLL_S)
    yield Step("endpoint", f"answers at {endpoint_url(case)}")


def endpoint_url(case: UseCase) -> str:
    """Where the use case's endpoint listens."""
    return f"http://127.0.0.1:{case.spec.service.port}"


def ask(case: UseCase, image: Path) -> dict:
    """Send one picture to the endpoint; no proxy is asked.

    Raises:
        ServiceError: it did not answer, or not with 200.
    """
    try:
        with image.open("rb") as file:
            response = httpx.post(
                f"{endpoint_url(case)}/predict",
                files={"image": (image.name, file)},
                headers=own_key(),
                timeout=30,
                trust_env=False,
            )
    except httpx.TransportError as error:
        raise ServiceError(
            f"no endpoint answers at {endpoint_url(case)} ({error}); its log is "
            f"logs/endpoint-{case.name}.log in the home"
        ) from error
    if not response.is_success:
        raise ServiceError(f"/predict answered {response.status_code}: {response.text[:500]}")
    return response.json()


def _new_steps(
    dagster: dg.DagsterInstance, case: UseCase, seen: set[tuple[str, str]]
) -> Iterator[Step]:
    for noun in GRAPH:
        event = dagster.get_latest_materialization_event(dg.AssetKey([case.name, noun]))
        if event is None or (noun, event.run_id) in seen:
            continue
        seen.add((noun, event.run_id))
        yield Step(noun, _told(event))


def _told(event: dg.EventLogEntry) -> str:
    """The plain numbers and words of a materialization's metadata."""
    materialization = event.asset_materialization
    assert materialization is not None
    plain = (dg.IntMetadataValue, dg.FloatMetadataValue, dg.TextMetadataValue)
    told = [
        f"{name} {value.value:.4g}" if isinstance(value.value, float) else f"{name} {value.value}"
        for name, value in materialization.metadata.items()
        if isinstance(value, plain) and not name.startswith("dagster")
    ]
    return ", ".join(told[:5])


def _nothing_is_new(dagster: dg.DagsterInstance, home: Home, case: UseCase) -> bool:
    """Whether no file waits, no run is under way, and too few images came for a training.

    Asked in the order in which images go on, so that none slips by from one place to the next.
    """
    from vision_assets.vision.store.image_store import ImageStore
    from vision_assets.vision.store.landing import open_batches, waiting

    store, source = ImageStore.open(home.store(case.name)), case.spec.source
    landing, batches = home.landing(source.landing), home.batches(case.name)
    settled_s = time.time() + source.settle_s
    if waiting(landing, store, source, batches, settled_s) or open_batches(batches, store):
        return False
    resource = HomeResource()
    if runs_of(dagster, ingest_job_name(case), UNFINISHED):
        return False
    if decision(dagster, resource, case).trains:
        return False
    return under_way(dagster, resource, case) is None


def _refuse_failed(dagster: dg.DagsterInstance, case: UseCase, since: datetime) -> None:
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], created_after=since)
    for run in dagster.get_runs(failed, limit=5):
        if case.name in use_cases_of(run):
            raise ServiceError(
                f"run {run.run_id} of {run.job_name} failed; open it in the Dagster UI, or look "
                f"at what failed with `vision-assets status {case.name}`"
            )


def _check_deadline(deadline: float, case: UseCase) -> None:
    if time.monotonic() > deadline:
        raise ServiceError(
            f"{case.name} was not deployed in time; look at the runs in the Dagster UI"
        )
