"""What gates say of figures that were counted by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from vision_assets.vision.errors import SpecError
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.evaluation.gates import GateResult, judge
from vision_assets.vision.inference.answers import NOTHING
from vision_assets.vision.spec import GateSpec, PipelineSpec, SourceSpec
from vision_assets_tests.vision.evaluation.outcomes import evidence, outcomes

LABELS = ["good"] * 20 + ["scratch"] * 16 + ["pit"] * 4
PREDICTED = ["good"] * 18 + ["scratch"] * 2 + ["scratch"] * 12 + ["good"] * 4 + ["pit"] * 4
SCORES = [0.1] * 18 + [0.9] * 2 + [0.9] * 12 + [0.1] * 4 + [0.5] * 4
"""Right are 34 of 40: 18 of 20 good, 12 of 16 scratch, 4 of 4 pit. The rest of the scratches
escape, two good parts are overkill, every pit is looked at."""


@pytest.fixture(scope="module")
def found() -> Evidence:
    table = outcomes(LABELS, PREDICTED, SCORES)
    rows = table[["image_id"]].assign(line=["A"] * 30 + ["B"] * 10)
    return evidence(table, rows, metrics={"latency_p95_ms": 12.0})


def of_classes(found: Evidence, **columns: object) -> Evidence:
    """The same evidence with these figures of its classes."""
    per_class = found.scorecard.per_class.assign(**columns)
    return replace(found, scorecard=replace(found.scorecard, per_class=per_class))


def gate(found: Evidence, **said: object) -> GateResult:
    (result,) = judge(found, [GateSpec.model_validate(said)])
    return result


def verdicts(result: GateResult) -> dict[str, str]:
    return {case.subject: case.verdict for case in result.cases}


def test_a_minimum_is_reached_or_not(found: Evidence):
    assert gate(found, metric="accuracy", min=0.85).verdict == "passed"
    failed = gate(found, metric="accuracy", min=0.851)
    assert failed.verdict == "failed"
    assert failed.value == 0.85
    assert "accuracy is 0.8500" in failed.text
    assert "at least 0.851 is asked for" in failed.text


def test_a_maximum_is_kept_or_not(found: Evidence):
    """4 of 20 defects escape."""
    assert gate(found, metric="escape_rate", max=0.2).passed
    assert gate(found, metric="escape_rate", max=0.19).verdict == "failed"
    assert gate(found, metric="overkill_rate", max=0.1).passed
    assert gate(found, metric="review_rate", max=0.1).passed
    assert gate(found, metric="cost", max=(4 * 10 + 2 + 4 * 0.5) / 40).passed


def test_a_class_whose_images_can_say_nothing_is_left_out(found: Evidence):
    """AUROC of normal images, as anomaly detection has it."""
    ranked = of_classes(found, auroc=[np.nan, 0.9, 0.8], support=[20, 16, 4])
    result = gate(ranked, metric="auroc", min=0.85, each="class", min_n=1)
    assert verdicts(result) == {"scratch": "passed", "pit": "failed"}


def test_a_class_that_no_image_is_of_is_not_left_out(found: Evidence):
    ranked = of_classes(found, auroc=[0.9, 0.9, np.nan], support=[20, 16, 0])
    assert gate(ranked, metric="auroc", min=0.5, each="class", min_n=1).verdict == "undecided"


def test_where_images_of_no_class_say_anything_a_gate_is_undecided(found: Evidence):
    ranked = of_classes(found, auroc=[np.nan] * 3, support=[20, 16, 4])
    assert gate(ranked, metric="auroc", min=0.5, each="class").verdict == "undecided"


def test_the_background_is_asked_only_for_what_it_has(found: Evidence):
    classes = found.scorecard.per_class
    background = pd.DataFrame({"class_id": [-1], "label": [NOTHING], "recall": [0.0]})
    shown = replace(found.scorecard, per_class=pd.concat([classes, background]))
    result = gate(replace(found, scorecard=shown), metric="recall", min=0.5, each="class", min_n=4)
    assert verdicts(result) == dict.fromkeys(("good", "scratch", "pit"), "passed")


def test_the_bound_is_stricter_than_the_value(found: Evidence):
    low, high = found.intervals["accuracy"].low, found.intervals["escape_rate"].high
    assert low < 0.85
    assert gate(found, metric="accuracy", min=low, by="bound").passed
    assert gate(found, metric="accuracy", min=0.85, by="bound").verdict == "failed"
    assert gate(found, metric="escape_rate", max=high, by="bound").passed
    assert gate(found, metric="escape_rate", max=0.2, by="bound").verdict == "failed"


def test_a_floor_holds_for_every_class(found: Evidence):
    result = gate(found, metric="recall", min=0.8, each="class", min_n=4)
    assert verdicts(result) == {"good": "passed", "scratch": "failed", "pit": "passed"}
    assert result.verdict == "failed"
    assert "recall of scratch is 0.7500" in result.text
    assert "pit" not in result.text


def test_too_few_images_of_a_class_are_undecided(found: Evidence):
    result = gate(found, metric="recall", min=0.7, each="class")
    assert verdicts(result) == {"good": "passed", "scratch": "passed", "pit": "undecided"}
    assert result.verdict == "undecided"
    assert not result.passed
    assert "undecided: recall of pit is 1.0000" in result.text
    assert "label more such images or lower min_n; what is undecided is not deployed" in result.text


def test_a_failure_counts_more_than_too_few_images(found: Evidence):
    assert gate(found, metric="recall", min=0.99, each="class").verdict == "failed"


def test_a_class_without_images_is_undecided():
    classes = (("good", False), ("scratch", True), ("dent", True))
    table = outcomes(["good"] * 20 + ["scratch"] * 20, ["good"] * 20 + ["scratch"] * 20, [0.5] * 40)
    found = evidence(table, classes=classes)
    for metric in ("recall", "escape_rate"):
        limit = {"min": 0.1} if metric == "recall" else {"max": 0.9}
        result = gate(found, metric=metric, each="class", **limit)
        assert verdicts(result)["dent"] == "undecided"
        assert "of dent is not known" in result.text


def test_escapes_are_of_defects_and_overkill_of_the_others(found: Evidence):
    escapes = gate(found, metric="escape_rate", max=0.25, each="class", min_n=4)
    assert verdicts(escapes) == {"scratch": "passed", "pit": "passed"}
    overkill = gate(found, metric="overkill_rate", max=0.05, each="class")
    assert verdicts(overkill) == {"good": "failed"}


def test_a_floor_holds_for_every_slice(found: Evidence):
    """Of line A 26 of 30 are right, of line B 8 of 10."""
    result = gate(found, metric="accuracy", min=0.85, each="line")
    assert verdicts(result) == {"A": "passed", "B": "failed"}
    few = gate(found, metric="accuracy", min=0.7, each="line", min_n=11)
    assert verdicts(few) == {"A": "passed", "B": "undecided"}
    assert few.verdict == "undecided"


def test_a_gate_may_look_at_one_class(found: Evidence):
    assert gate(found, metric="recall/scratch", min=0.75).value == 0.75


def test_a_gate_may_look_at_what_has_no_interval(found: Evidence):
    assert gate(found, metric="latency_p95_ms", max=12).passed
    with pytest.raises(SpecError, match="expected a metric with an interval"):
        gate(found, metric="latency_p95_ms", max=12, by="bound")


def test_a_bundle_that_decides_nothing_is_undecided_about_escapes(found: Evidence):
    nothing = evidence(outcomes(LABELS, PREDICTED, SCORES).assign(decision=None), thresholds={})
    result = gate(nothing, metric="escape_rate", max=0.1)
    assert result.verdict == "undecided"
    assert "has no thresholds" in result.text


@pytest.mark.parametrize("metric", ["accurracy", "recall/nothing", "class_id/good"])
def test_a_gate_on_something_unknown_is_told(found: Evidence, metric: str):
    with pytest.raises(SpecError, match=f"got '{metric}'"):
        gate(found, metric=metric, min=0)


def test_a_gate_on_an_unknown_column_is_told(found: Evidence):
    with pytest.raises(SpecError, match="got 'camera'"):
        gate(found, metric="accuracy", min=0, each="camera")


def test_a_gate_needs_one_limit():
    for said in ({}, {"min": 0.1, "max": 0.9}):
        with pytest.raises(ValidationError, match="needs one of `min` and `max`"):
            GateSpec.model_validate({"metric": "accuracy", **said})


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ({"metric": "accuracy", "min": 0.9}, "gate_accuracy"),
        ({"metric": "accuracy", "min": 0.9, "by": "bound"}, "gate_accuracy_bound"),
        ({"metric": "recall", "min": 0.9, "each": "class"}, "gate_recall_each_class"),
        ({"metric": "recall/rolled-in_scale", "min": 0.9}, "gate_recall_rolled_in_scale"),
        ({"metric": "accuracy", "min": 0.9, "name": "floor"}, "gate_floor"),
    ],
)
def test_the_name_of_a_check_follows_from_the_yaml(said: dict[str, object], name: str):
    assert GateSpec.model_validate(said).check_name == name


@pytest.mark.parametrize(
    "gates",
    [
        [{"metric": "accuracy", "min": 0.9}, {"metric": "accuracy", "min": 0.8}],
        [{"metric": "champion", "min": 0.9}],
    ],
)
def test_two_gates_of_one_name_are_refused(gates: list[dict[str, object]]):
    with pytest.raises(ValidationError, match="give one of them a `name`"):
        PipelineSpec.model_validate({"source": SourceSpec(landing="x"), "gates": gates})
