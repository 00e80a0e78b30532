"""status: how a use case stands, in Dagster's UI, without a run.

The asset `<use_case>/status` is materialized by its sensor, and only where its text has changed:
the text holds times and no ages, so it stays the same while nothing happens.
"""

import hashlib

import dagster as dg

from vision_assets.assets.graph import asset_key, by_hand
from vision_assets.automation.needs import needs, worst
from vision_assets.automation.standing import standing
from vision_assets.automation.standing_text import markdown
from vision_assets.resources.home import HomeResource
from vision_assets.vision.use_case import UseCase

STATUS = "status"
INTERVAL_S = 60


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
        seen = standing(context.instance, home, use_case)
        found = needs(seen)
        text = markdown(seen, found)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        if context.cursor == digest:
            return dg.SkipReason("Nothing has changed since the status was written.")
        written = dg.AssetMaterialization(
            asset_key(use_case, STATUS),
            metadata={"state": worst(found).word, "status": dg.MetadataValue.md(text)},
        )
        return dg.SensorResult(asset_events=[written], cursor=digest)

    return sense
