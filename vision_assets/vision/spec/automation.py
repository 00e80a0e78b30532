"""When the graph is run without being asked, and how old what it makes may become."""

from pydantic import Field

from vision_assets.vision.spec.base import Spec


class TriggersSpec(Spec):
    """When the graph is run without being asked; any one of the `retrain_after`s is enough."""

    new_images: bool = Field(default=True, description="Ingest what arrives in the landing folder.")
    retrain_after: int | None = Field(
        default=100,
        ge=1,
        description=(
            "Train once this many labelled images are stored that the last training did not have; "
            "null: never by their number."
        ),
    )
    retrain_after_share: float | None = Field(
        default=None,
        gt=0,
        description=(
            "Train once they are this share of the labelled images that the last training had, "
            "such as 0.2; null: never by their share."
        ),
    )
    retrain_after_days: float | None = Field(
        default=None,
        gt=0,
        description="Train once the oldest of them has waited so long; null: never by their age.",
    )
    cool_down_hours: float = Field(
        default=1,
        ge=0,
        description="No training starts by itself sooner than this after the last one began.",
    )

    @property
    def by_images(self) -> bool:
        """Whether images alone can start a training."""
        by = (self.retrain_after, self.retrain_after_share, self.retrain_after_days)
        return any(figure is not None for figure in by)


class ScheduleSpec(Spec):
    """Retraining by the clock; skipped when nothing has changed."""

    cron: str = Field(default="0 3 * * 0", description="Five fields, minute to weekday.")
    timezone: str = "UTC"
    enabled: bool = False


class FreshnessSpec(Spec):
    """How old what an asset made last may be; Dagster's UI says where it is older."""

    raw_images_hours: float | None = Field(
        default=None, ge=0.1, description="Since images were last taken; null: as old as it likes."
    )
    validated_dataset_hours: float | None = Field(
        default=None, ge=0.1, description="Since a version was last made or found unchanged."
    )
    deployment_hours: float | None = Field(
        default=None, ge=0.1, description="Since a model was last deployed or confirmed."
    )
