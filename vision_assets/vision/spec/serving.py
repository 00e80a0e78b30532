"""What a trained model becomes, and how it answers."""

from pydantic import Field

from vision_assets.vision.spec.base import HomePath, MaybeHomePath, Spec


class ExportSpec(Spec):
    """What a trained model becomes."""

    int8: bool = Field(
        default=False, description="Also a bundle of 8-bit integers; it ships where it may."
    )
    int8_margin: float = Field(
        default=0.01,
        ge=0,
        description=(
            "How much accuracy the lower bound of the paired interval may lose by it; with n test "
            "images and no loss, that bound is about -3.7 / n."
        ),
    )


class ServiceSpec(Spec):
    """The endpoint."""

    port: int = Field(default=3100, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    max_body_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)
    max_pixels: int = Field(default=50_000_000, ge=1)
    max_pictures: int = Field(default=32, ge=1, le=1024, description="Pictures of one request.")
    slot_poll_s: float = Field(default=1.0, gt=0, description="How often the slot is looked at.")
    api_keys_file: MaybeHomePath = Field(
        default=None,
        description=(
            "JSON object of consumer to key, or to sha256:<hex of it>; a relative path is inside "
            "the home. null: everybody who reaches the port may ask."
        ),
    )


class ScoreSpec(Spec):
    """A folder whose files the deployed bundle answers, for the asset `batch_predictions`."""

    folder: HomePath = Field(description="Folder of images; a relative path is inside the home.")
