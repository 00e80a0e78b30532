"""How well regions are found, as pixels of the picture; no mask outlives its image.

An image is right where the pixels that are said and shown to be of the same class are at least
half of those that either calls an object (an IoU of 0.5), or where there is nothing and nothing
was said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.inference.answers import NOTHING, NOTHING_ID, SOUND, Answer
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.inference.geometry.rle import Rle, decode
from vision_assets.vision.objects import from_text, main_class
from vision_assets.vision.tasks.segmentation.class_map import class_map
from vision_assets.vision.tasks.segmentation.counts import (
    SHOWN,
    PixelCounts,
    pixel_counts,
    table,
)
from vision_assets.vision.tasks.segmentation.figures import figures, of_counts
from vision_assets.vision.tasks.task import Measured

PIXEL_CONFUSION, PRECISION_RECALL = "pixel_confusion", "pixel_precision_recall"
"""Names of the curves that plots are drawn from."""
RIGHT_FROM = 0.5
SCORE_BINS = 100
_INDICES = 256
_COLUMNS = (
    *("image_id", "label", "predicted", "score", "correct", "error"),
    *("defect", "defect_score", "decision", "counts", "defect_counts"),
)


class SegmentationMeasure:
    """Compares maps of classes by id, so that a class may have been renamed.

    A class that the bundle does not know counts as one that it got wrong.
    """

    def __init__(self, classes: Sequence[CardClass]) -> None:
        self._classes = {entry.id: entry for entry in (SOUND, *classes)}
        self._index = {class_id: index for index, class_id in enumerate(self._classes)}
        self._rows: list[dict[str, Any]] = []
        self._confusion = np.zeros((_INDICES, _INDICES), np.int64)
        self._bins = np.zeros((_INDICES, SCORE_BINS, 2), np.int64)

    def update(self, row: Mapping[str, Any], answer: Answer) -> None:
        """Take in one image: `image_id`, `objects`, `width` and `height`, and the answer.

        Raises:
            ValueError: a mask is of another size than the picture.
        """
        objects = from_text(row["objects"])
        for each in objects:
            self._know(each.class_id, row)
        size = int(row["height"]), int(row["width"])
        shown = class_map(objects, *size, self._index)
        said = self._said(answer, shown)
        self._count(said, shown)
        names = {index: self._classes[key].name for key, index in self._index.items()}
        defects = np.array([entry.defect for entry in self._classes.values()])
        label = self._classes[main_class(objects)]
        iou = _foreground_iou(said, shown)
        self._rows.append(
            {
                "image_id": row["image_id"],
                "label": label.name,
                "predicted": answer["label"],
                "score": answer["score"],
                "correct": iou >= RIGHT_FROM,
                "error": 1 - iou,
                "defect": bool(defects[shown].any()),
                "defect_score": answer["defect_score"],
                "decision": answer["decision"],
                "counts": pixel_counts(said, shown, names).to_text(),
                "defect_counts": _defect_counts(defects[said], defects[shown]),
            }
        )

    def compute(self) -> Measured:
        """The figures over all images taken in."""
        predictions = pd.DataFrame(self._rows, columns=pd.Index(_COLUMNS))
        found = figures(predictions, np.ones((1, len(predictions)))) if self._rows else {}
        metrics = {
            name: float(figure.values[0])
            for name, figure in found.items()
            if "/" not in name and not np.isnan(figure.values[0])
        }
        return Measured(
            metrics,
            self._per_class(predictions),
            self._labels(predictions),
            predictions,
            {PIXEL_CONFUSION: self._pixels(), PRECISION_RECALL: self._ranked()},
        )

    def _know(self, class_id: int, row: Mapping[str, Any]) -> None:
        """A class of the annotations that the bundle was not trained on; its name is its id."""
        if class_id not in self._classes:
            name = str(row["label"]) if row.get("class_id") == class_id else f"class {class_id}"
            self._classes[class_id] = CardClass(id=class_id, name=name, defect=True)
            self._index[class_id] = len(self._index)

    def _said(self, answer: Answer, shown: np.ndarray) -> np.ndarray:
        """The answer as a map; what its scores are worth is counted on the way."""
        said = np.zeros_like(shown)
        for each in answer["objects"]:
            pixels, index = decode(Rle.from_json(each["mask"])), self._index[each["class_id"]]
            if pixels.shape != shown.shape:
                raise ValueError(f"expected masks of {shown.shape}, the answer has {pixels.shape}")
            said[pixels] = index
            right = int((shown[pixels] == index).sum())
            place = min(int(each["score"] * SCORE_BINS), SCORE_BINS - 1)
            self._bins[index, place] += (right, int(pixels.sum()) - right)
        return said

    def _count(self, said: np.ndarray, shown: np.ndarray) -> None:
        """Pixels of each class that are said to be of each class."""
        pairs = shown.astype(np.intp) * _INDICES + said
        found = np.bincount(pairs.ravel(), minlength=_INDICES**2)
        self._confusion += found.reshape(_INDICES, _INDICES)

    def _labels(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """Images by their main class, and by that of the answer."""
        names = [entry.name for entry in self._classes.values()]
        counts = pd.crosstab(predictions["label"], predictions["predicted"])
        table = counts.reindex(index=names, columns=names, fill_value=0)
        return table[table.any(axis=1) | table.any()].loc[:, table.any(axis=1) | table.any()]

    def _per_class(self, predictions: pd.DataFrame) -> pd.DataFrame:
        """A row for each class that is a defect or occurs, and one for the background."""
        names, counts = table(predictions["counts"].tolist())
        total = pd.DataFrame(of_counts(counts.sum(0)), index=names)
        total["support"] = (counts[:, :, SHOWN] > 0).sum(0)
        total["pixels"] = counts[:, :, SHOWN].sum(0).astype(np.int64)
        listed = [
            entry
            for entry in self._classes.values()
            if entry.defect or entry.id == NOTHING_ID or entry.name in names
        ]
        known = total.reindex([entry.name for entry in listed]).reset_index(drop=True)
        heads = pd.DataFrame(
            {
                "class_id": [entry.id for entry in listed],
                "label": [entry.name for entry in listed],
            }
        )
        occurs = {"support": np.int64, "pixels": np.int64}
        return heads.join(known.fillna({"support": 0, "pixels": 0}).astype(occurs))

    def _pixels(self) -> pd.DataFrame:
        """`label`, `predicted`, `pixels`, for pairs that occur."""
        names = [entry.name for entry in self._classes.values()]
        shown, said = np.nonzero(self._confusion)
        return pd.DataFrame(
            {
                "label": [names[index] for index in shown],
                "predicted": [names[index] for index in said],
                "pixels": self._confusion[shown, said],
            }
        )

    def _ranked(self) -> pd.DataFrame:
        """Precision and recall over pixels from each score on: `label`, `score`, and the two."""
        parts = []
        for index, entry in enumerate(self._classes.values()):
            shown = self._confusion[index].sum()
            right, wrong = self._bins[index, ::-1].cumsum(0).T
            said = right + wrong
            if index and shown and said[-1]:
                points = {
                    "label": entry.name,
                    "score": np.arange(SCORE_BINS)[::-1] / SCORE_BINS,
                    "recall": right / shown,
                    "precision": right / np.maximum(said, 1),
                }
                parts.append(pd.DataFrame(points)[said > 0])
        return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _foreground_iou(said: np.ndarray, shown: np.ndarray) -> float:
    """Of the pixels that either calls an object, those of which both say the same class."""
    either = int(((said > 0) | (shown > 0)).sum())
    return int(((said == shown) & (said > 0)).sum()) / either if either else 1.0


def _defect_counts(said: np.ndarray, shown: np.ndarray) -> str:
    """Of all defects as one class."""
    counts = pixel_counts(said.astype(np.uint8), shown.astype(np.uint8), {0: NOTHING, 1: "defect"})
    of_defect = {name: of for name, of in counts.of_class.items() if name != NOTHING}
    return PixelCounts(of_defect).to_text()
