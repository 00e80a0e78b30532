"""What to do next about a use case, the most urgent first."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import dagster as dg

from vision_assets.automation.liveness import Daemon
from vision_assets.automation.standing import Standing, answering, standing
from vision_assets.automation.waits import PERSON
from vision_assets.resources.home import HomeResource
from vision_assets.vision.disk import LITTLE_FREE_BYTES
from vision_assets.vision.errors import VisionAssetsError
from vision_assets.vision.remedies import (
    ALERT_UNDELIVERED,
    DAEMON_STOPPED,
    SERVICE_STOPPED,
    remedy_for,
)
from vision_assets.vision.use_case import UseCase

_CHECK_FAILURES = ("DagsterAssetCheckFailedError", "CheckFailed")


class Urgency(IntEnum):
    """How soon somebody has to look."""

    BROKEN = 0
    PERSON = 1
    NOTE = 2
    FINE = 3

    @property
    def word(self) -> str:
        """For people."""
        return {0: "broken", 1: "needs a person", 2: "note", 3: "fine"}[self]


@dataclass(frozen=True)
class Need:
    """One thing to do.

    Attributes:
        urgency: how soon.
        what: what is the matter, and what to do, in a sentence or two.
        command: to begin with; empty where there is none.
        kind: of what is broken: names its remedy.
    """

    urgency: Urgency
    what: str
    command: str = ""
    kind: str = ""


def look(
    instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase
) -> tuple[Standing | None, list[Need]]:
    """How a use case stands and what is to be done; where it is damaged, that alone."""
    try:
        seen = standing(instance, home, use_case)
    except (VisionAssetsError, OSError) as error:
        answers, _ = answering(home, use_case)
        return None, [damage(error), *_of_the_endpoint(use_case.name, answers)]
    return seen, needs(seen)


def damage(error: Exception) -> Need:
    """What hides how a use case stands: a wrong YAML, a damaged file."""
    return Need(Urgency.BROKEN, str(error), "vision-assets doctor", type(error).__name__)


def needs(standing: Standing) -> list[Need]:
    """All that is to be done, the most urgent first."""
    found = (
        *_of_the_service(standing),
        *_of_the_workers(standing),
        *_of_the_machine(standing),
        *_of_the_model(standing),
        *_of_people(standing),
    )
    return sorted(found, key=lambda need: need.urgency)


def worst(found: list[Need]) -> Urgency:
    """How soon somebody has to look, all in all."""
    return found[0].urgency if found else Urgency.FINE


def _of_the_service(standing: Standing) -> Iterator[Need]:
    if standing.damaged:
        remedy = remedy_for("DeploymentError")
        command = remedy.command_for(standing.use_case)
        yield Need(Urgency.BROKEN, standing.damaged, command, remedy.kind)
    yield from _of_the_endpoint(standing.use_case, standing.answers)
    if not standing.damaged and standing.answers is None and standing.images:
        yield Need(
            Urgency.NOTE,
            "No model is deployed yet.",
            f"vision-assets explain {standing.use_case}",
        )


def _of_the_endpoint(use_case: str, answers: dict[str, Any] | None) -> Iterator[Need]:
    if answers is not None and not answers["ready"]:
        remedy = remedy_for(SERVICE_STOPPED)
        what = f"No endpoint of this home answers on port {answers['port']}, though bundle "
        what += f"{answers['bundle_id']} is deployed. {remedy.do}"
        yield Need(Urgency.BROKEN, what, remedy.command_for(use_case), remedy.kind)


def _of_the_workers(standing: Standing) -> Iterator[Need]:
    if standing.answers is None:
        return
    deployed, name = standing.answers["bundle_id"], standing.use_case
    for others in standing.answers["others"]:
        what = f"Bundle {deployed} is deployed, but {others}. Mend what it names and start the "
        what += "endpoint again, or go back to the bundle before."
        yield Need(Urgency.PERSON, what, f'vision-assets rollback {name} --why "it is refused"')


def _of_the_machine(standing: Standing) -> Iterator[Need]:
    if standing.daemon is Daemon.STOPPED:
        remedy = remedy_for(DAEMON_STOPPED)
        yield Need(Urgency.BROKEN, remedy.means + " " + remedy.do, remedy.command, remedy.kind)
    remedy, free_gb = remedy_for("DiskFull"), standing.free_bytes / 1e9
    if standing.low_disk is not None:
        what = f"Nothing new is taken: {standing.low_disk}."
        yield Need(Urgency.BROKEN, what, remedy.command, remedy.kind)
    elif standing.free_bytes < LITTLE_FREE_BYTES:
        what = f"Only {free_gb:.1f} GB of disk are free. {remedy.do}"
        yield Need(Urgency.PERSON, what, remedy.command)
    if standing.waiting is None and standing.images:
        remedy = remedy_for("LandingUnreadable")
        what = f"{remedy.means} {remedy.do}"
        yield Need(Urgency.BROKEN, what, remedy.command, remedy.kind)
    if standing.undelivered:
        remedy, last = remedy_for(ALERT_UNDELIVERED), standing.undelivered[-1]
        what = f"Alerts that were not delivered: {len(standing.undelivered)} ({last}). {remedy.do}"
        yield Need(Urgency.PERSON, what, remedy.command)
    if standing.stopped:
        what = f"Switched off by a person: {', '.join(standing.stopped)}. Switch on in the UI."
        yield Need(Urgency.PERSON, what)


def _of_the_model(standing: Standing) -> Iterator[Need]:
    explain = f"vision-assets explain {standing.use_case}"
    for run in standing.slow:
        what = f"{run}, much longer than its job takes, and holds back what comes after it. "
        what += "Read its log in the UI; terminate it there if it does nothing."
        yield Need(Urgency.PERSON, what)
    for stop in standing.stops:
        yield Need(Urgency.PERSON, f"Stopped by a check: {stop}", explain)
    failed = standing.failed
    if failed is None and not standing.stops and standing.undeployed:
        yield Need(
            Urgency.NOTE, f"Not what was trained last answers: {standing.undeployed}", explain
        )
    if failed is None or (standing.stops and failed.error.kind in _CHECK_FAILURES):
        return
    remedy = failed.error.remedy
    yield Need(
        Urgency.PERSON,
        f"Run {failed.run_id[:8]} of {failed.job} failed in {failed.error}. {remedy.do}",
        remedy.command_for(standing.use_case),
    )


def _of_people(standing: Standing) -> Iterator[Need]:
    for wait in standing.waits:
        if wait.whom == PERSON:
            urgency = Urgency.NOTE if wait.can_wait else Urgency.PERSON
            yield Need(urgency, f"Waits for a person, {wait}.", wait.command)
