"""How well the toy names labels."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.figure import Figure, means
from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.tasks.task import Measured


class ToyMeasure:
    """Counts right labels."""

    def __init__(self, classes: Sequence[CardClass]) -> None:
        self.classes = classes
        self.rows: list[dict[str, Any]] = []

    def update(self, row: Mapping[str, Any], answer: Answer) -> None:
        right = row["class_id"] == answer["class_id"]
        defect = {entry.id: entry.defect for entry in self.classes}.get(row["class_id"])
        said = {"image_id": row["image_id"], "label": row["label"], "predicted": answer["label"]}
        decided = {name: answer[name] for name in ("score", "defect_score", "decision")}
        error = 0.0 if right else answer["score"]
        self.rows.append(said | decided | {"correct": right, "error": error, "defect": defect})

    def compute(self) -> Measured:
        predictions = pd.DataFrame(self.rows)
        names = [entry.name for entry in self.classes]
        right = predictions.groupby("label")["correct"].mean().reindex(names)
        per_class = pd.DataFrame(
            {"class_id": [c.id for c in self.classes], "label": names, "recall": right.to_numpy()}
        )
        confusion = pd.crosstab(predictions["label"], predictions["predicted"])
        confusion = confusion.reindex(index=names, columns=names, fill_value=0)
        accuracy = float(predictions["correct"].mean())
        return Measured({"accuracy": accuracy}, per_class, confusion, predictions)


def figures(outcomes: pd.DataFrame, weights: np.ndarray) -> dict[str, Figure]:
    """The share of right labels."""
    right = outcomes["correct"].to_numpy(float)
    (accuracy,) = means(weights, right, np.ones((len(right), 1), bool))
    return {"accuracy": accuracy}
