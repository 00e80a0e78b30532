"""Cards and outputs of a detection bundle that was never trained."""

from datetime import UTC, datetime

import numpy as np

from vision_assets.vision.inference.answers import Outputs
from vision_assets.vision.inference.bundle import Card, CardClass, InputSize

CLASSES = (
    CardClass(id=10, name="good", defect=False),
    CardClass(id=11, name="scratch", defect=True),
    CardClass(id=12, name="spot", defect=True),
)


def card(**more: object) -> Card:
    """Of three classes; every object from a score of 0.5 on."""
    said = {
        "task": "detection",
        "use_case": "drawn",
        "model_id": "0" * 12,
        "created_at": datetime(2026, 1, 1, tzinfo=UTC),
        "dataset": {"name": "v1", "fingerprint": "f"},
        "code_version": "1",
        "input": InputSize(height_px=32, width_px=32),
        "classes": CLASSES,
        "calibration": {f"found_from/{n}": 0.5 for n in range(3)},
    }
    return Card.model_validate(said | more)


def outputs(*views: list[tuple[int, float, tuple[float, float, float, float]]]) -> Outputs:
    """Of one image: for each view (class, score, box in 0..1) of some boxes, others are empty."""
    most = 8
    boxes = np.zeros((len(views), most, 4), np.float32)
    scores, classes = np.zeros((len(views), most), np.float32), np.zeros((len(views), most), int)
    for view, found in enumerate(views):
        for place, (index, score, box) in enumerate(sorted(found, key=lambda each: -each[1])):
            boxes[view, place], scores[view, place], classes[view, place] = box, score, index
    return {
        "boxes": boxes,
        "scores": scores,
        "classes": classes,
        "activation": np.zeros((len(views), 4, 4), np.float32),
    }
