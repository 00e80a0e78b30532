"""How well objects are found: of all images, of each class and size, and what goes wrong."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from vision_assets.vision.inference.answers import Answer
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.objects import from_text
from vision_assets.vision.tasks.detection.coco import coco_figures
from vision_assets.vision.tasks.detection.figures import COUNTS, figures
from vision_assets.vision.tasks.detection.matching import (
    KINDS,
    MATCHED_FROM,
    MISSED,
    Boxes,
    Errors,
    errors,
    matched,
)
from vision_assets.vision.tasks.task import Measured

PREDICTION_COLUMNS = (
    *("image_id", "label", "predicted", "score", "correct", "error"),
    *("defect", "defect_score", "decision", COUNTS),
)
BACKGROUND_NAME = "(background)"
PRECISION_RECALL, ERROR_KINDS = "precision_recall", "error_kinds"
"""Names of the tables that plots are drawn from."""


class DetectionMeasure:
    """Compares objects by class id, so that a class may have been renamed.

    An image is right where every annotated object was found and nothing else was told.
    """

    def __init__(self, classes: Sequence[CardClass]) -> None:
        self._names = {entry.id: entry.name for entry in classes}
        self._defects = {entry.id: entry.defect for entry in classes}
        self._found: list[Boxes] = []
        self._truth: list[Boxes] = []
        self._rows: list[dict[str, Any]] = []
        self._kinds: Counter[tuple[str, int]] = Counter()
        self._confused: Counter[tuple[int | None, int | None]] = Counter()

    def update(self, row: Mapping[str, Any], answer: Answer) -> None:
        """Take in one image: `image_id`, `class_id`, `label` and `objects`, and the answer as judged."""
        truth, found, n_told = annotated(row), *boxes_of(answer)
        for class_id in truth.classes.tolist():
            of_image = class_id == int(row["class_id"])
            self._names.setdefault(class_id, str(row["label"]) if of_image else f"class {class_id}")
        told = found[np.arange(len(found)) < n_told]
        wrong = errors(told, truth)
        self._count(wrong, told, truth)
        self._found.append(found)
        self._truth.append(truth)
        n_right = sum(not kind for kind in wrong.kinds)
        self._rows.append(
            {
                "image_id": row["image_id"],
                "label": str(row["label"]),
                "predicted": answer["label"],
                "score": answer["score"],
                "correct": n_right == len(truth) == n_told,
                "error": 1 - _f1(n_right, n_told, len(truth)),
                "defect": any(self._defects.get(int(each), False) for each in truth.classes),
                "defect_score": answer["defect_score"],
                "decision": answer["decision"],
                COUNTS: json.dumps(self._counts(found, n_told, truth), separators=(",", ":")),
            }
        )

    def compute(self) -> Measured:
        """The figures over all images taken in."""
        predictions = pd.DataFrame(self._rows, columns=pd.Index(PREDICTION_COLUMNS))
        seen = figures(predictions, np.ones((1, len(predictions))))
        values = {name: float(figure.values[0]) for name, figure in seen.items()}
        by_coco = coco_figures(self._found, self._truth, self._names)
        metrics = {name: value for name, value in values.items() if "/" not in name}
        return Measured(
            metrics=metrics | by_coco.metrics,
            per_class=self._per_class(values).join(by_coco.per_class),
            confusion=self._confusion(),
            predictions=predictions,
            curves={PRECISION_RECALL: by_coco.curves, ERROR_KINDS: self._error_kinds()},
        )

    def _count(self, wrong: Errors, told: Boxes, truth: Boxes) -> None:
        """Add the errors of one image to the table of kinds and to the confusion."""
        confused = Counter(wrong.confused)
        for class_id in truth.classes[wrong.missed].tolist():
            self._kinds[MISSED, class_id] += 1
        for kind, class_id in zip(wrong.kinds, told.classes.tolist(), strict=True):
            self._kinds[kind, class_id] += 1
            self._confused[class_id if not kind else None, class_id] += 1
        for (true_id, said_id), n in confused.items():
            self._confused[None, said_id] -= n
            self._confused[true_id, said_id] += n
        unfound = Counter(truth.classes.tolist())
        unfound.subtract(
            class_id
            for kind, class_id in zip(wrong.kinds, told.classes.tolist(), strict=True)
            if not kind
        )
        unfound.subtract(true_id for true_id, _ in wrong.confused)
        for class_id, n in unfound.items():
            self._confused[class_id, None] += n

    def _counts(self, found: Boxes, n_told: int, truth: Boxes) -> dict[str, Any]:
        """What `figures` needs of one image, by name of class."""
        hits = matched(found, truth, MATCHED_FROM) >= 0
        is_told = np.arange(len(found)) < n_told
        counts: dict[str, Any] = {}
        for class_id in sorted({*found.classes.tolist(), *truth.classes.tolist()}):
            of_class = found.classes == class_id
            counts[self._names[class_id]] = {
                "truth": int((truth.classes == class_id).sum()),
                "told": int((of_class & is_told).sum()),
                "right": int((of_class & is_told & hits).sum()),
                "scores": [round(score, 6) for score in found.scores[of_class].tolist()],
                "hits": hits[of_class].astype(int).tolist(),
            }
        return counts

    def _per_class(self, values: Mapping[str, float]) -> pd.DataFrame:
        support = Counter(each for truth in self._truth for each in truth.classes.tolist())
        return pd.DataFrame(
            {"class_id": list(self._names), "label": list(self._names.values())}
            | {
                figure: [values.get(f"{figure}/{name}", np.nan) for name in self._names.values()]
                for figure in ("precision", "recall", "f1")
            }
            | {"support": [support[class_id] for class_id in self._names]}
        )

    def _confusion(self) -> pd.DataFrame:
        ids = [*self._names, None]
        counts = np.array([[self._confused[row, column] for column in ids] for row in ids])
        names = [*self._names.values(), BACKGROUND_NAME]
        return pd.DataFrame(
            counts.astype(np.int64), index=pd.Index(names, name="label"), columns=pd.Index(names)
        )

    def _error_kinds(self) -> pd.DataFrame:
        """One row per kind and class: `kind`, `label`, `n`."""
        return pd.DataFrame(
            [
                {"kind": kind, "label": name, "n": self._kinds[kind, class_id]}
                for kind in KINDS
                for class_id, name in self._names.items()
            ]
        )


def annotated(row: Mapping[str, Any]) -> Boxes:
    """The annotated objects of a row of a manifest."""
    objects = from_text(row["objects"])
    return Boxes(
        np.array([each.box for each in objects], float).reshape(-1, 4),
        np.array([each.class_id for each in objects], np.int64),
        np.ones(len(objects)),
    )


def boxes_of(answer: Answer) -> tuple[Boxes, int]:
    """What was told, and behind it what was too faint; and how many were told.

    So the boxes of each class are in the order of their scores, as what is asked is asked of a
    class.
    """
    told = [(each["class_id"], each["score"], *each["box"]) for each in answer["objects"]]
    rows = np.array([*told, *answer["faint"]], float).reshape(-1, 6)
    return Boxes(rows[:, 2:], rows[:, 0].astype(np.int64), rows[:, 1]), len(told)


def _f1(n_right: int, n_told: int, n_truth: int) -> float:
    return 2 * n_right / (n_told + n_truth) if n_told + n_truth else 1.0
