"""Figures agree with scikit-learn's, and with what is known of odd cases."""

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.tasks.classification.measure import ClassificationMeasure
from vision_assets.vision.tasks.task import Measured

NAMES = {5: "good", 2: "crack", 9: "spot"}
CLASSES = [CardClass(id=key, name=name, defect=name != "good") for key, name in NAMES.items()]


def measured(labels: list[int], predicted: list[int]) -> Measured:
    measure = ClassificationMeasure(CLASSES)
    for n, (label, said) in enumerate(zip(labels, predicted, strict=True)):
        scores = {name: 0.8 if key == said else 0.1 for key, name in NAMES.items()}
        row = {"image_id": str(n), "class_id": label, "label": NAMES.get(label, "new")}
        answer = {"class_id": said, "label": NAMES[said], "score": 0.8, "scores": scores}
        measure.update(row, answer | {"defect_score": 1 - scores["good"], "decision": None})
    return measure.compute()


def test_figures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, said = rng.choice(list(NAMES), 200).tolist(), rng.choice(list(NAMES), 200).tolist()
    found = measured(labels, said)
    expected = precision_recall_fscore_support(labels, said, labels=list(NAMES))
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert found.per_class[name].to_numpy() == pytest.approx(values)
    assert found.metrics["balanced_accuracy"] == pytest.approx(
        balanced_accuracy_score(labels, said)
    )
    assert found.metrics["macro_f1"] == pytest.approx(np.mean(expected[2]))


def test_rows_of_the_confusion_are_labels_and_columns_predictions():
    found = measured([5, 5, 2], [5, 2, 2])
    assert found.confusion.loc["good", "crack"] == 1
    assert found.confusion.loc["crack", "good"] == 0


def test_a_class_that_does_not_occur_does_not_pull_the_means_down():
    found = measured([5, 2], [5, 2])
    assert found.metrics["macro_f1"] == 1
    assert found.per_class.set_index("label").loc["spot", "support"] == 0


def test_a_label_that_the_bundle_does_not_know_is_wrong():
    found = measured([5, 77], [5, 5])
    assert found.metrics["accuracy"] == 0.5
    assert found.confusion.loc["new", "good"] == 1
    assert found.predictions["error"].tolist() == pytest.approx([0.2, 1.0])


def test_a_class_that_was_renamed_is_still_the_same():
    measure = ClassificationMeasure(CLASSES)
    said = {"class_id": 2, "label": "crack", "score": 1.0, "scores": {"crack": 1.0}}
    decided = {"defect_score": 1.0, "decision": "refuse"}
    measure.update({"image_id": "a", "class_id": 2, "label": "fissure"}, said | decided)
    assert measure.compute().metrics["accuracy"] == 1


def scored(labels: list[int], scores: np.ndarray) -> Measured:
    """Of images with these labels and these scores of the classes, (n, 3)."""
    measure = ClassificationMeasure(CLASSES)
    for n, (label, row) in enumerate(zip(labels, scores.tolist(), strict=True)):
        top = CLASSES[int(np.argmax(row))]
        answer = {
            "class_id": top.id,
            "label": top.name,
            "score": max(row),
            "scores": dict(zip(NAMES.values(), row, strict=True)),
            "defect_score": 1 - row[0],
            "decision": None,
        }
        said = {"image_id": str(n), "class_id": label, "label": NAMES.get(label, "new")}
        measure.update(said, answer)
    return measure.compute()


def test_average_precision_and_auroc_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels, scores = rng.choice(list(NAMES), 200), rng.dirichlet(np.ones(3), 200)
    found = scored(labels.tolist(), scores)
    for place, key in enumerate(NAMES):
        expected = average_precision_score(labels == key, scores[:, place])
        assert found.per_class["average_precision"][place] == pytest.approx(expected)
        expected = roc_auc_score(labels == key, scores[:, place])
        assert found.per_class["auroc"][place] == pytest.approx(expected)
    assert found.metrics["macro_auroc"] == pytest.approx(found.per_class["auroc"].mean())


def test_curves_have_a_bounded_number_of_points():
    rng = np.random.default_rng(0)
    found = scored(rng.choice(list(NAMES), 2000).tolist(), rng.dirichlet(np.ones(3), 2000))
    for name in ("precision_recall", "roc"):
        assert found.curves[name]["label"].value_counts().between(100, 200).all()
        assert {0.0, 1.0} <= set(found.curves[name]["recall"])


def test_where_there_is_one_class_alone_nothing_is_ranked():
    found = scored([5, 5], np.array([[0.8, 0.1, 0.1], [0.2, 0.4, 0.4]]))
    assert found.per_class["auroc"].isna().all()
    assert found.curves["roc"].empty
    assert found.metrics["macro_auroc"] == 0


def test_a_label_that_the_bundle_does_not_know_is_ranked_by_nothing():
    found = scored([5, 77, 2], np.eye(3))
    unknown = found.per_class.set_index("label").loc["new"]
    assert (unknown["auroc"], unknown["average_precision"]) == pytest.approx((0.5, 1 / 3))
