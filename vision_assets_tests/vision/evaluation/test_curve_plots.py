"""Plots of scores are small and are drawn for few and for many classes."""

import numpy as np
import pytest

from vision_assets.vision.evaluation.curve_plots import (
    precision_recall_curves,
    reliability_diagram,
    roc_curves,
)
from vision_assets.vision.inference.bundle import CardClass
from vision_assets.vision.tasks.classification.measure import ClassificationMeasure
from vision_assets.vision.tasks.task import Measured

PNG = b"\x89PNG\r\n"
MOST_BYTES = 60_000


@pytest.fixture(params=[2, 40])
def measured(request: pytest.FixtureRequest) -> Measured:
    """Of a model that is right four times in five, on 20 images of each class."""
    names = [f"a class with a rather long name {n}" for n in range(request.param)]
    measure = ClassificationMeasure(
        [CardClass(id=n, name=name, defect=n > 0) for n, name in enumerate(names)]
    )
    rng = np.random.default_rng(0)
    for image in range(20 * len(names)):
        label = image % len(names)
        scores = rng.dirichlet(np.ones(len(names)))
        if image % 5:
            scores = (scores + np.eye(len(names))[label]) / 2
        top = int(scores.argmax())
        answer = {
            "class_id": top,
            "label": names[top],
            "score": float(scores[top]),
            "scores": dict(zip(names, scores.tolist(), strict=True)),
            "defect_score": 1 - float(scores[0]),
            "decision": None,
        }
        row = {"image_id": str(image), "class_id": label, "label": names[label]}
        measure.update(row, answer)
    return measure.compute()


def test_curves_of_every_class_are_small_enough_to_travel(measured: Measured):
    curves, per_class = measured.curves, measured.per_class
    for png in (
        precision_recall_curves(curves["precision_recall"], per_class),
        roc_curves(curves["roc"], per_class),
    ):
        assert png.startswith(PNG)
        assert len(png) < MOST_BYTES


def test_a_reliability_diagram_is_drawn_with_and_without_a_temperature(measured: Measured):
    drawn = [
        reliability_diagram(
            measured.curves["reliability"], measured.predictions["score"], 0.1, temperature
        )
        for temperature in (None, 1.3)
    ]
    assert drawn[0] != drawn[1]
    assert all(png.startswith(PNG) and len(png) < MOST_BYTES for png in drawn)
