"""status: how a use case stands, in Dagster's UI, without a run.

The asset `<use_case>/status` is materialized by its sensor, and only where its text has changed:
the text holds times and no ages, so it stays the same while nothing happens.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field

import dagster as dg

from vision_assets.assets.graph import asset_key, by_hand
from vision_assets.automation.alerts import tell_of_need
from vision_assets.automation.needs import Urgency, look, worst
from vision_assets.automation.standing_text import markdown
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

STATUS = "status"
INTERVAL_S = 60


@dataclass(frozen=True)
class Look:
    """What a look of the sensor leaves to the next one.

    Attributes:
        digest: of the text that was written last.
        since: when what is broken was first seen so, by kind, seconds since 1970. It is told of at
            the second look: an endpoint that is started again is up by then.
    """

    digest: str = ""
    since: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, cursor: str | None) -> "Look":
        said = json.loads(cursor or "{}")
        return cls(said.get("digest", ""), said.get("since", {}))


def status(use_case: UseCase) -> dg.Definitions:
    """The asset `<use_case>/status` and the sensor that keeps it up to date."""
    spec = dg.AssetSpec(
        asset_key(use_case, STATUS),
        deps=[asset_key(use_case, "deployment")],
        group_name=by_hand(use_case),
        description=(
            "What answers, how fresh it is, what waits, what failed and what to do; as "
            f"`vision-assets status {use_case.name}` shows it. Written where it has changed."
        ),
    )
    return dg.Definitions(assets=[spec], sensors=[_sensor(use_case)])


def _sensor(use_case: UseCase) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{use_case.name}_status",
        minimum_interval_seconds=INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes the asset `status` where something has changed; starts no run.",
    )
    def sense(context: dg.SensorEvaluationContext, home: HomeResource):
        seen, found = look(context.instance, home, use_case)
        text = markdown(seen, found)
        before = Look.read(context.cursor)
        broken = {need.kind: need for need in found if need.urgency is Urgency.BROKEN}
        since = {kind: before.since.get(kind, int(time.time())) for kind in broken}
        now = Look(hashlib.sha256(text.encode()).hexdigest()[:16], since)
        for kind in since.keys() & before.since.keys():
            tell_of_need(home.home, use_case.name, broken[kind], since[kind])
        context.update_cursor(json.dumps(asdict(now)))
        if before.digest == now.digest:
            return dg.SkipReason("Nothing has changed since the status was written.")
        written = dg.AssetMaterialization(
            asset_key(use_case, STATUS),
            metadata={"state": worst(found).word, "status": dg.MetadataValue.md(text)},
        )
        return dg.SensorResult(asset_events=[written])

    return sense
