"""How well anomalies are told from normal images, and where they are."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, Answer
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.spec import ClassSpec
from vision_assets.vision.tasks.anomaly.answer import ANOMALY, ANOMALY_ID, map_of
from vision_assets.vision.tasks.anomaly.figures import OF_IMAGES, figures
from vision_assets.vision.tasks.anomaly.pixels import PixelFigures, mask_of
from vision_assets.vision.tasks.task import Measured

PREDICTION_COLUMNS = (
    *("image_id", "label", "predicted", "score", "correct", "error"),
    *("defect", "defect_score", "decision", "anomaly"),
)
PIXELS = "pixels"
"""Name of the curve over thresholds of the map."""
_NORMAL = "normal"


class AnomalyMeasure:
    """Compares answers with whether the class of an image is a defect.

    A class that the bundle does not know counts as a defect unless its name says otherwise, as a
    class in YAML does.
    """

    def __init__(self, classes: Sequence[CardClass]) -> None:
        self._names = {entry.id: entry.name for entry in classes}
        self._defects = {entry.id: entry.defect for entry in classes} | {NOTHING_ID: False}
        self._rows: list[dict[str, Any]] = []
        self._pixels = PixelFigures()

    def update(self, row: Mapping[str, Any], answer: Answer) -> None:
        """Take in one image: `image_id`, `class_id`, `label`, size and objects, and the answer."""
        class_id = int(row["class_id"])
        name = self._names.setdefault(class_id, _name(class_id, row))
        defect = self._defects.setdefault(class_id, ClassSpec(id=0, name=name).is_defect)
        anomaly = answer["class_id"] == ANOMALY_ID
        score = answer["defect_score"]
        self._rows.append(
            {
                "image_id": row["image_id"],
                "label": name,
                "predicted": answer["label"],
                "score": answer["score"],
                "correct": anomaly == defect,
                "error": 1 - score if defect else score,
                "defect": defect,
                "defect_score": score,
                "decision": answer["decision"],
                "anomaly": anomaly,
            }
        )
        mask = mask_of(row, defect)
        if mask is not None:
            self._pixels.update(mask, map_of(answer))

    def compute(self) -> Measured:
        """The figures over all images taken in."""
        predictions = pd.DataFrame(self._rows, columns=pd.Index(PREDICTION_COLUMNS))
        found = figures(predictions, np.ones((1, len(predictions))))
        of_images = {name: float(found[name].values[0]) for name in OF_IMAGES if name in found}
        return Measured(
            metrics=of_images | self._pixels.metrics(),
            per_class=self._per_class(predictions),
            confusion=_confusion(predictions),
            predictions=predictions,
            curves={PIXELS: self._pixels.curve()} if self._pixels.regions else {},
        )

    def _per_class(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """Share of right answers, and for defects how well scores tell them from normal images."""
        known = {**self._names}
        rows = []
        for class_id, name in known.items():
            of_class = predictions[predictions["label"] == name]
            rows.append(
                {
                    "class_id": class_id,
                    "label": name,
                    "recall": float(of_class["correct"].mean()) if len(of_class) else 0.0,
                    "auroc": _auroc(predictions, name) if self._defects[class_id] else np.nan,
                    "score": float(of_class["score"].mean()) if len(of_class) else np.nan,
                    "support": len(of_class),
                }
            )
        return pd.DataFrame(rows)


def _name(class_id: int, row: Mapping[str, Any]) -> str:
    return NOTHING if class_id == NOTHING_ID else str(row["label"])


def _auroc(predictions: pd.DataFrame, label: str) -> float:
    """Of the images of one defect against all normal ones."""
    against = predictions[(predictions["label"] == label) | ~predictions["defect"].astype(bool)]
    found = figures(against, np.ones((1, len(against))))
    return float(found["auroc"].values[0]) if "auroc" in found else float("nan")


def _confusion(predictions: pd.DataFrame) -> pd.DataFrame:
    defect, anomaly = (predictions[name].to_numpy(bool) for name in ("defect", "anomaly"))
    counts = np.zeros((2, 2), np.int64)
    np.add.at(counts, (defect.astype(int), anomaly.astype(int)), 1)
    names = [_NORMAL, ANOMALY]
    return pd.DataFrame(counts, index=pd.Index(names, name="label"), columns=pd.Index(names))
