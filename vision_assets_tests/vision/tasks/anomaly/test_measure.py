"""The figures of images: known cases, unknown classes, weighted outcomes."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.tasks.anomaly.answer import ANOMALY, ANOMALY_ID, _png
from vision_assets.vision.tasks.anomaly.figures import figures
from vision_assets.vision.tasks.anomaly.measure import AnomalyMeasure
from vision_assets.vision.tasks.task import Measured

CLASSES = (CardClass(id=1, name="good", defect=False), CardClass(id=2, name="dent", defect=True))


def answer(score: float) -> dict[str, Any]:
    high = score >= 0.5
    return {
        "label": ANOMALY if high else "good",
        "class_id": ANOMALY_ID if high else 1,
        "score": score,
        "defect_score": score,
        "decision": "refuse" if high else "pass",
        "objects": [],
        "map_png": _png(np.full((4, 4), score)),
    }


def measured(*images: tuple[int, str, float]) -> Measured:
    measure = AnomalyMeasure(CLASSES)
    for place, (class_id, label, score) in enumerate(images):
        row = {"image_id": f"{place:03}", "class_id": class_id, "label": label}
        measure.update(row | {"height": 8, "width": 8, "objects": None}, answer(score))
    return measure.compute()


MIXED = [(1, "good", 0.1), (1, "good", 0.6), (2, "dent", 0.9), (2, "dent", 0.3), (2, "dent", 0.6)]


def test_figures_are_those_of_sklearn():
    found = measured(*MIXED).metrics
    defect, scores = [class_id == 2 for class_id, *_ in MIXED], [each[2] for each in MIXED]
    assert found["auroc"] == pytest.approx(roc_auc_score(defect, scores))
    assert found["average_precision"] == pytest.approx(average_precision_score(defect, scores))
    assert found["recall"] == pytest.approx(2 / 3)
    assert found["specificity"] == 0.5
    assert found["precision"] == pytest.approx(2 / 3)


def test_an_image_that_counts_twice_is_as_two_images():
    outcomes = measured(*MIXED).predictions
    twice = measured(*MIXED, MIXED[3], MIXED[1]).predictions
    weighted = figures(outcomes, np.array([[1, 2, 1, 2, 1.0]]))
    for name, figure in figures(twice, np.ones((1, 7))).items():
        assert weighted[name].values == pytest.approx(figure.values), name


def test_a_class_that_the_bundle_does_not_know_is_a_defect():
    found = measured(*MIXED, (9, "crack", 0.8))
    crack = found.per_class[found.per_class["label"] == "crack"]
    assert crack["recall"].tolist() == [1]
    assert found.confusion.to_numpy().tolist() == [[1, 1], [1, 3]]


def test_an_image_with_nothing_on_it_is_normal():
    found = measured((-1, "(nothing)", 0.2), *MIXED)
    assert found.predictions["defect"].tolist()[:2] == [False, False]
    assert found.predictions["correct"].tolist()[0] is True


def test_normal_images_alone_have_no_ranking():
    found = measured(*MIXED[:2])
    assert "auroc" not in found.metrics
    assert found.metrics["specificity"] == 0.5
