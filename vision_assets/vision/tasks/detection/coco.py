"""The figures of COCO, by faster-coco-eval (Apache-2.0)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from faster_coco_eval import COCO, COCOeval_faster

from vision_assets.vision.tasks.detection.matching import Boxes
from vision_assets.vision.tasks.detection.spec import MEAN_AVERAGE_PRECISION_50

_ALL, _SIZES = 0, {"small": 1, "medium": 2, "large": 3}
"""Positions of the ranges of area: below 32 x 32 pixels, up to 96 x 96, above."""
_AT_50, _AT_75 = 0, 5
"""Positions among the ten least IoUs, 0.5 to 0.95."""


@dataclass(frozen=True)
class CocoFigures:
    """What the library found.

    Attributes:
        metrics: over all classes that have objects; 0 where none has.
        per_class: one row per class id, in the order of the names; NaN where a class has no
            object (of the size).
        curves: precision against recall at an IoU of 0.5: `label`, `threshold`, `recall`,
            `precision`.
    """

    metrics: dict[str, float]
    per_class: pd.DataFrame
    curves: pd.DataFrame


def coco_figures(
    found: Sequence[Boxes], truth: Sequence[Boxes], names: Mapping[int, str]
) -> CocoFigures:
    """Mean average precision and average recall, of all sizes and of each.

    Args:
        found: of each image, strongest first; the best 100 of each class count.
        truth: of each image.
        names: of the classes by id.
    """
    precision, recall, scores = _evaluated(found, truth, list(names))
    per_class = pd.DataFrame(
        {
            "average_precision_50": _means(precision[_AT_50, :, :, _ALL]),
            "average_precision": _means(precision[:, :, :, _ALL].reshape(-1, len(names))),
            "average_recall": _means(recall[:, :, _ALL]),
        }
        | {
            f"average_precision_{size}": _means(precision[:, :, :, at].reshape(-1, len(names)))
            for size, at in _SIZES.items()
        }
    )
    metrics = {
        MEAN_AVERAGE_PRECISION_50: _mean(precision[_AT_50, :, :, _ALL]),
        "mean_average_precision_75": _mean(precision[_AT_75, :, :, _ALL]),
        "mean_average_precision": _mean(precision[:, :, :, _ALL]),
        "average_recall": _mean(recall[:, :, _ALL]),
    }
    for size, at in _SIZES.items():
        if (precision[:, :, :, at] >= 0).any():
            metrics[f"mean_average_precision_{size}"] = _mean(precision[:, :, :, at])
    at_50 = (precision[_AT_50, :, :, _ALL], scores[_AT_50, :, :, _ALL])
    return CocoFigures(metrics, per_class, _curves(*at_50, list(names.values())))


def _evaluated(
    found: Sequence[Boxes], truth: Sequence[Boxes], ids: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precision (10, 101, k, 4), recall (10, k, 4) and scores as precision, of 100 boxes; -1
    where there are no objects."""
    about = {
        "images": [{"id": n + 1, "width": 1, "height": 1} for n in range(len(truth))],
        "categories": [{"id": class_id, "name": str(class_id)} for class_id in ids],
    }
    judge = COCOeval_faster(
        COCO(about | {"annotations": _annotations(truth)}),
        COCO(about | {"annotations": _annotations(found)}),
        "bbox",
        print_function=_say_nothing,
    )
    judge.params.catIds = ids
    judge.evaluate()
    judge.accumulate()
    said = judge.eval
    precision, recall, scores = (
        np.asarray(said[name]) for name in ("precision", "recall", "scores")
    )
    return precision[..., -1], recall[..., -1], scores[..., -1]


def _annotations(images: Sequence[Boxes]) -> list[dict[str, Any]]:
    rows = [
        (n + 1, *row)
        for n, each in enumerate(images)
        for row in zip(
            each.classes.tolist(), each.boxes.tolist(), each.scores.tolist(), strict=True
        )
    ]
    return [
        {
            "id": number + 1,
            "image_id": image,
            "category_id": class_id,
            "bbox": [left, top, right - left, bottom - top],
            "area": (right - left) * (bottom - top),
            "iscrowd": 0,
            "score": score,
        }
        for number, (image, class_id, (left, top, right, bottom), score) in enumerate(rows)
    ]


def _say_nothing(*_: object) -> None:
    """The library tells its table; the report has it."""


def _mean(values: np.ndarray) -> float:
    known = values[values >= 0]
    return float(known.mean()) if known.size else 0.0


def _means(values: np.ndarray) -> np.ndarray:
    """(k,) of (n, k); NaN where a class has nothing."""
    known = values >= 0
    n = known.sum(0)
    total = np.where(known, values, 0).sum(0)
    return np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)


def _curves(precision: np.ndarray, scores: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Of the classes that have objects; precision and scores are (101, k)."""
    recalls = np.linspace(0, 1, len(precision))
    curves = [
        pd.DataFrame(
            {
                "label": name,
                "threshold": scores[:, index],
                "recall": recalls,
                "precision": precision[:, index],
            }
        )
        for index, name in enumerate(names)
        if (precision[:, index] >= 0).all()
    ]
    return pd.concat(curves, ignore_index=True) if curves else pd.DataFrame()
