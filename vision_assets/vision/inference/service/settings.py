"""The settings of a service: what the Bento carries, overlaid by the environment."""

import json
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vision_assets.vision.errors import ServiceError
from vision_assets.vision.inference.decode import Limits

SETTINGS_FILE = "service.json"
SETTINGS_VARIABLE = "VISION_ASSETS_SERVICE"
"""JSON object of settings that win over those in the Bento."""
SLOT_VARIABLE = "VISION_ASSETS_SLOT"
"""Path of the slot file; unset: the service answers with the bundle of its Bento for ever."""


class ServiceSettings(BaseModel):
    """Bounds of a service.

    Attributes:
        workers: processes that answer.
        max_body_bytes: length of a request body; longer ones are refused while they come in.
        max_pixels: width times height of a picture, checked before it is decoded.
        min_side_px: shortest side of a picture.
        max_pictures: most pictures of one request.
        max_in_flight: requests of one worker at a time; more are told to come again.
        timeout_s: a request that takes longer is answered 504.
        slot_poll_s: how often the slot is looked at.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(default=1, ge=1, le=64)
    max_body_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)
    max_pixels: int = Field(default=50_000_000, ge=1)
    min_side_px: int = Field(default=16, ge=1)
    max_pictures: int = Field(default=32, ge=1, le=1024)
    max_in_flight: int = Field(default=32, ge=1)
    timeout_s: float = Field(default=60, gt=0)
    slot_poll_s: float = Field(default=1.0, gt=0)

    @property
    def limits(self) -> Limits:
        """What is decoded at all."""
        return service_limits(self.min_side_px, self.max_pixels, self.max_body_bytes)


def service_limits(min_side_px: int, max_pixels: int, max_body_bytes: int) -> Limits:
    """What a service decodes at all, by the keys of the YAML that say so."""
    return Limits(
        min_side_px=min_side_px,
        max_pixels=max_pixels,
        max_bytes=max_body_bytes,
        pixels_key="service.max_pixels",
        bytes_key="service.max_body_bytes",
    )


def load_settings(folder: Path) -> ServiceSettings:
    """Read `service.json` in a folder, if it is there, overlaid by VISION_ASSETS_SERVICE.

    Raises:
        ServiceError: a setting is unknown or of a wrong value.
    """
    file = folder / SETTINGS_FILE
    carried = file.read_text() if file.exists() else "{}"
    named = os.environ.get(SETTINGS_VARIABLE) or "{}"
    try:
        return ServiceSettings(**json.loads(carried) | json.loads(named))
    except (ValidationError, ValueError, TypeError) as error:
        raise ServiceError(
            f"the settings in {file} or {SETTINGS_VARIABLE} are wrong: {error}"
        ) from error


def slot_path() -> Path | None:
    """The slot file that this service follows."""
    named = os.environ.get(SLOT_VARIABLE)
    return Path(named) if named else None
