"""What goes over the wire, as pydantic models: for the OpenAPI document and for clients.

Answers are built as plain dicts; a test holds them to these models.
"""

from typing import Literal

from pydantic import BaseModel, Field

from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.inference.decision import Decision
from vision_assets.vision.inference.service.settings import ServiceSettings


class Thresholds(BaseModel):
    """What a defect score is decided by; both or none."""

    pass_below: float | None = None
    refuse_from: float | None = None


class Versions(BaseModel):
    """Where an answer comes from."""

    bento: str
    bundle_id: str
    model_id: str
    dataset: str
    source: Literal["baked", "slot"]


class Answered(BaseModel):
    """What the answer for one picture has, whatever the task."""

    label: str
    class_id: int
    score: float
    defect_score: float
    decision: Decision | None
    prediction_id: str


class Circumstances(BaseModel):
    """How a request was answered."""

    thresholds: Thresholds
    versions: Versions
    timings_ms: dict[str, float]


class RefusalBody(BaseModel):
    """Why a request, or one picture of it, is not answered."""

    error: str
    reason: str
    detail: str


class ModelInfo(Versions):
    """The bundle that answers."""

    model_sha256: str
    precision: Literal["fp32", "int8"]
    calibration: dict[str, float]
    thresholds: Thresholds
    thresholds_origin: str | None = None
    on_val: dict[str, float] = Field(
        default={},
        description="What the thresholds led to on the val split: rates of escapes, overkill and "
        "reviews, and the cost of a part.",
    )
    dataset_fingerprint: str
    since: str


class SlotInfo(BaseModel):
    """The slot, and what became of it."""

    followed: bool
    sequence: int | None
    refused: str | None


class Info(BaseModel):
    """What one worker answers with."""

    bento: str
    use_case: str
    task: str
    worker: str
    classes: list[CardClass]
    model: ModelInfo
    baked_bundle_id: str
    slot: SlotInfo
    limits: ServiceSettings
