"""A card of two defects and a class that is none, and outputs that show what a map says."""

from datetime import UTC, datetime

import numpy as np

from vision_assets.vision.inference.answers import Outputs
from vision_assets.vision.inference.bundle import Card, CardClass, InputSize

CLASSES = (
    CardClass(id=7, name="label", defect=False),
    CardClass(id=3, name="crack", defect=True),
    CardClass(id=5, name="spot", defect=True),
)


def card(side_px: int = 32, **options: str) -> Card:
    """Of a model that takes images of this side."""
    return Card(
        task="segmentation",
        use_case="drawn",
        bundle_id="0" * 12,
        model_id="1" * 12,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        dataset={"name": "v0001", "fingerprint": "f"},
        code_version="0",
        input=InputSize(height_px=side_px, width_px=side_px),
        classes=CLASSES,
        options=options,
    )


def outputs(*maps: np.ndarray, level: int = 235) -> Outputs:
    """Of views whose maps of indices these are, the rest of the probability at the background."""
    classes = np.stack(maps)
    levels = np.zeros((len(maps), len(CLASSES) + 1, *classes.shape[1:]), np.uint8)
    for index in range(1, len(CLASSES) + 1):
        levels[:, index][classes == index] = level
    levels[:, 0] = 255 - levels.sum(1)
    return {"probabilities": levels, "shares": levels.mean((2, 3)) / np.float32(255)}
