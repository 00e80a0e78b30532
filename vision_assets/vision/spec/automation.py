"""When the graph is run without being asked."""

from pydantic import Field

from vision_assets.vision.spec.base import Spec


class TriggersSpec(Spec):
    """When the graph is run without being asked."""

    new_images: bool = Field(default=True, description="Ingest what arrives in the landing folder.")
    retrain_after: int | None = Field(
        default=100,
        ge=1,
        description="Train once this many new labelled images are stored; null: never.",
    )


class ScheduleSpec(Spec):
    """Retraining by the clock; skipped when nothing has changed."""

    cron: str = Field(default="0 3 * * 0", description="Five fields, minute to weekday.")
    timezone: str = "UTC"
    enabled: bool = False
