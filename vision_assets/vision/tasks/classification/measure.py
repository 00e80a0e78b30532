"""How well labels are named: of all images, of each class, and whether scores are probabilities."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.evaluation.calibration import expected_calibration_error, reliability
from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.tasks.classification.curves import (
    precision_recall,
    ranking_figures,
    receiver_operating,
)
from vision_assets.vision.tasks.task import Measured

PREDICTION_COLUMNS = (
    *("image_id", "label", "predicted", "score", "correct", "error"),
    *("defect", "defect_score", "decision"),
)
PRECISION_RECALL, ROC, RELIABILITY = "precision_recall", "roc", "reliability"
"""Names of the curves that plots are drawn from."""


class ClassificationMeasure:
    """Compares labels by class id, so that a class may have been renamed.

    A label that the bundle does not know counts as one that it got wrong.
    """

    def __init__(self, classes: Sequence[CardClass]) -> None:
        self._names = {entry.id: entry.name for entry in classes}
        self._defects = {entry.id: entry.defect for entry in classes}
        self._ids: list[tuple[int, int]] = []
        self._scores: list[dict[str, float]] = []
        self._rows: list[dict[str, Any]] = []

    def update(self, row: Mapping[str, Any], answer: Answer) -> None:
        """Take in one image: `image_id`, `class_id` and `label`, and the answer."""
        class_id = int(row["class_id"])
        name = self._names.setdefault(class_id, str(row["label"]))
        self._ids.append((class_id, answer["class_id"]))
        self._scores.append(answer["scores"])
        self._rows.append(
            {
                "image_id": row["image_id"],
                "label": name,
                "predicted": answer["label"],
                "score": answer["score"],
                "correct": class_id == answer["class_id"],
                "error": 1 - answer["scores"].get(name, 0.0),
                "defect": self._defects.get(class_id),
                "defect_score": answer["defect_score"],
                "decision": answer["decision"],
            }
        )

    def compute(self) -> Measured:
        """The figures over all images taken in."""
        confusion = self._confusion()
        predictions = pd.DataFrame(self._rows, columns=pd.Index(PREDICTION_COLUMNS))
        curves = self._curves() | {
            RELIABILITY: reliability(predictions["score"], predictions["correct"])
        }
        per_class = _per_class(confusion, self._names).join(self._ranking())
        labelled = per_class[per_class["support"] > 0]
        counts = confusion.to_numpy()
        metrics = {
            "accuracy": float(np.trace(counts) / counts.sum()) if counts.sum() else 0.0,
            "balanced_accuracy": _mean(labelled["recall"]),
            "macro_precision": _mean(labelled["precision"]),
            "macro_recall": _mean(labelled["recall"]),
            "macro_f1": _mean(labelled["f1"]),
            "macro_average_precision": _mean(labelled["average_precision"].dropna()),
            "macro_auroc": _mean(labelled["auroc"].dropna()),
            "calibration_error": expected_calibration_error(curves[RELIABILITY]),
        }
        return Measured(metrics, per_class, confusion, predictions, curves)

    def _ranking(self) -> pd.DataFrame:
        """Average precision and AUROC of each class."""
        figures = [ranking_figures(*self._against_others(class_id)) for class_id in self._names]
        return pd.DataFrame(figures, columns=pd.Index(["average_precision", "auroc"]))

    def _curves(self) -> dict[str, pd.DataFrame]:
        """Of each class that has images beside images of others."""
        ranked = {name: self._against_others(key) for key, name in self._names.items()}
        told = {name: pair for name, pair in ranked.items() if pair[0].any() and not pair[0].all()}
        return {
            PRECISION_RECALL: _joined([precision_recall(name, *told[name]) for name in told]),
            ROC: _joined([receiver_operating(name, *told[name]) for name in told]),
        }

    def _against_others(self, class_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Whether each image is of the class, (n,) bool, and its score for it, (n,) float."""
        name = self._names[class_id]
        is_class = np.array([label == class_id for label, _ in self._ids], bool)
        return is_class, np.array([scores.get(name, 0.0) for scores in self._scores], float)

    def _confusion(self) -> pd.DataFrame:
        position = {class_id: index for index, class_id in enumerate(self._names)}
        counts = np.zeros((len(position), len(position)), np.int64)
        for label, predicted in self._ids:
            counts[position[label], position[predicted]] += 1
        names = list(self._names.values())
        return pd.DataFrame(counts, index=pd.Index(names, name="label"), columns=pd.Index(names))


def _per_class(confusion: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    """A class that was never predicted has precision 0, as one that is never right."""
    counts = confusion.to_numpy().astype(float)
    right, predicted, support = np.diag(counts), counts.sum(0), counts.sum(1)
    precision = np.divide(right, predicted, out=np.zeros_like(right), where=predicted > 0)
    recall = np.divide(right, support, out=np.zeros_like(right), where=support > 0)
    return pd.DataFrame(
        {
            "class_id": list(names),
            "label": list(names.values()),
            "precision": precision,
            "recall": recall,
            "f1": np.divide(2 * right, predicted + support, out=right * 0, where=support > 0),
            "support": support.astype(np.int64),
        }
    )


def _mean(values: pd.Series) -> float:
    """Mean over the classes that occur; 0 when there is none."""
    return float(values.mean()) if len(values) else 0.0


def _joined(curves: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
