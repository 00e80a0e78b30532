"""The card of an anomaly model."""

from datetime import UTC, datetime

from vision_assets.vision.inference.bundle import Card, CardClass, InputSize

CARD = Card(
    task="anomaly",
    use_case="tiles",
    model_id="m",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    dataset={},
    code_version="1",
    input=InputSize(height_px=32, width_px=32),
    classes=(
        CardClass(id=7, name="scratch", defect=True),
        CardClass(id=4, name="ok", defect=False),
    ),
)
