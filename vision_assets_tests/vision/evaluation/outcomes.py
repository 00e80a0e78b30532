"""Outcomes of images that were never drawn: what a bundle would have said, as a table."""

from collections.abc import Sequence

import pandas as pd

from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.inference.decision import decide
from vision_assets.vision.spec import CostSpec
from vision_assets.vision.tasks.registry import load_task

COSTS = CostSpec(escape=10, overkill=1, review=0.5)
THRESHOLDS = {"pass_below": 0.3, "refuse_from": 0.7}


def card(classes: Sequence[tuple[str, bool]], thresholds: dict[str, float], **said: object) -> Card:
    """The card of a bundle with these classes, by name and whether they are defects."""
    return Card.model_validate(
        {
            "task": "classification",
            "use_case": "drawn",
            "model_id": "m",
            "created_at": "2026-01-01T00:00:00Z",
            "dataset": {"name": "v0001-drawn", "fingerprint": "d"},
            "code_version": "0",
            "input": {"height_px": 32, "width_px": 32},
            "classes": [
                {"id": index, "name": name, "defect": defect}
                for index, (name, defect) in enumerate(classes)
            ],
            "thresholds": thresholds,
        }
        | said
    )


def outcomes(
    labels: Sequence[str], predicted: Sequence[str], scores: Sequence[float]
) -> pd.DataFrame:
    """One row per image; `good` is the only class that is no defect."""
    return pd.DataFrame(
        {
            "image_id": [f"{index:06d}" for index in range(len(labels))],
            "label": list(labels),
            "predicted": list(predicted),
            "correct": [one == other for one, other in zip(labels, predicted, strict=True)],
            "error": 0.5,
            "defect": [label != "good" for label in labels],
            "defect_score": list(scores),
            "decision": [decide(score, THRESHOLDS) for score in scores],
        }
    )


def evidence(
    found: pd.DataFrame,
    rows: pd.DataFrame | None = None,
    classes: Sequence[tuple[str, bool]] = (("good", False), ("scratch", True), ("pit", True)),
    thresholds: dict[str, float] = THRESHOLDS,
    metrics: dict[str, float] | None = None,
) -> Evidence:
    """The evidence of outcomes; each image is a group of its own unless rows say otherwise."""
    names = [name for name, _ in classes]
    scorecard = Scorecard(
        card=card(classes, thresholds),
        metrics={"accuracy": float(found["correct"].mean())} | (metrics or {}),
        per_class=pd.DataFrame({"class_id": range(len(names)), "label": names, "recall": 0.0}),
        confusion=pd.DataFrame(),
        predictions=found,
        slices=pd.DataFrame(),
    )
    ids = found[["image_id"]] if rows is None else rows
    return Evidence(load_task("classification"), scorecard, ids, COSTS)
