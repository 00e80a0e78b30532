"""What would happen to a use case now and why, and why the last thing did or did not happen.

The decision is the one that the sensor takes, by the same function.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from vision_assets.automation.circumstances import decision
from vision_assets.automation.last_training import (
    LastTraining,
    Stop,
    look_at_last_training,
    stops,
    undeployed,
)
from vision_assets.automation.liveness import Daemon, daemon, stopped_by_hand, switches
from vision_assets.automation.waits import Wait, refused, waiting_files, waits
from vision_assets.resources.home import HomeResource
from vision_assets.vision.retraining import Decision
from vision_assets.vision.use_case import UseCase


@dataclass(frozen=True)
class Explanation:
    """What would happen now, and what happened last.

    Attributes:
        use_case: its name.
        decision: whether a training would start by itself now, and every trigger.
        next_by_clock: when the schedule looks again; None where it is switched off.
        daemon: whether Dagster's daemon runs, without which nothing starts by itself.
        stopped: sensors and schedules that a person has switched off.
        last_training: None before the first.
        deployed: what answers: bundle_id, since, why, by; None before the first deployment.
        undeployed: why what was trained last does not answer; None where it does.
        stops: the checks that block it.
        refused: open items of the quarantine by reason.
        waits: what waits for whom.
    """

    use_case: str
    decision: Decision
    next_by_clock: datetime | None
    daemon: Daemon
    stopped: tuple[str, ...]
    last_training: LastTraining | None
    deployed: dict[str, Any] | None
    undeployed: str | None
    stops: tuple[Stop, ...]
    refused: dict[str, int]
    waits: tuple[Wait, ...]

    @property
    def starts(self) -> bool:
        """Whether a training starts by itself now: it is time, and what would start it runs."""
        is_off = f"{self.use_case}_enough_new_images" in self.stopped
        return self.decision.trains and self.daemon is Daemon.RUNNING and not is_off


def explain(instance: dg.DagsterInstance, home: HomeResource, use_case: UseCase) -> Explanation:
    """Look at a use case; nothing is changed."""
    current = home.deployments(use_case).current()
    chosen = {"bundle_id", "since", "why", "by", "dataset"}
    return Explanation(
        use_case=use_case.name,
        decision=decision(instance, home, use_case),
        next_by_clock=_next_by_clock(instance, use_case),
        daemon=daemon(instance),
        stopped=tuple(stopped_by_hand(instance, use_case)),
        last_training=look_at_last_training(instance, use_case),
        deployed=None if current is None else current.model_dump(mode="json", include=chosen),
        undeployed=undeployed(instance, home, use_case),
        stops=tuple(stops(instance, use_case)),
        refused=refused(home, use_case),
        waits=tuple(waits(instance, home, use_case, waiting_files(home, use_case))),
    )


def _next_by_clock(instance: dg.DagsterInstance, use_case: UseCase) -> datetime | None:
    from dagster._utils.schedules import get_next_cron_tick

    spec = use_case.spec.schedule
    if not switches(instance).get(f"{use_case.name}_retrain_schedule", spec.enabled):
        return None
    now = datetime.fromtimestamp(time.time(), UTC)
    return get_next_cron_tick(spec.cron, now, spec.timezone).astimezone(UTC)
