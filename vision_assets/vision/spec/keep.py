"""How long what is no longer needed is kept."""

from pydantic import Field

from vision_assets.vision.spec.base import Spec


class KeepSpec(Spec):
    """What housekeeping leaves of the past; null: all of it."""

    models: int = Field(
        default=10, ge=1, description="The newest models stay, with all that was made of them."
    )
    models_days: int | None = Field(
        default=90,
        ge=1,
        description=(
            "Older models go, with their bundles, Bentos and reports; never what is deployed, "
            "the one before it, what is pinned, or what a run or a worker uses."
        ),
    )
    runs_days: int | None = Field(
        default=90, ge=1, description="Dagster's records and logs of runs that ended before."
    )
    work_days: int | None = Field(
        default=90, ge=1, description="Searches, comparisons and lists of suspected labels."
    )
    quarantine_days: int | None = Field(
        default=30, ge=1, description="Bytes of refused images, after a person has decided."
    )
    open_quarantine_days: int | None = Field(
        default=None, ge=1, description="Bytes of refused images on which nobody decides."
    )
