"""What a report says in sentences: false alarms against the promise, escapes, places."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from vision_assets.vision.evaluation.scorecard import Scorecard
from vision_assets.vision.inference.bundle import Card
from vision_assets.vision.tasks.anomaly.false_alarms import PROMISED_RATE
from vision_assets.vision.tasks.anomaly.findings import findings
from vision_assets_tests.vision.tasks.anomaly.cards import CARD

NO_TABLE = pd.DataFrame()
JUDGED = CARD.model_copy(update={"options": {PROMISED_RATE: "0.05"}})


def judged(
    normal: dict[str | None, int],
    defects: dict[str | None, int],
    unknown: int = 0,
    card: Card = JUDGED,
    **metrics: float,
) -> list[str]:
    """The sentences about so many images of each decision."""
    rows = [
        {"defect": defect, "defect_score": 0.5, "decision": decision}
        for defect, counts in ((False, normal), (True, defects))
        for decision, n in counts.items()
        for _ in range(n)
    ]
    rows += [{"defect": np.nan, "defect_score": 0.5, "decision": "pass"}] * unknown
    predictions = pd.DataFrame(rows, columns=["defect", "defect_score", "decision"])
    return findings(Scorecard(card, metrics, NO_TABLE, NO_TABLE, predictions, NO_TABLE))


def test_a_rate_that_was_kept_is_told_with_the_exact_test():
    alarms, *_ = judged({"refuse": 5, "pass": 95}, {"refuse": 1})
    assert "5 of 100 normal images were refused, 5.0% (95 % interval 2.2% to 11.2%)" in alarms
    assert "at most 5.0% was asked for" in alarms
    assert "That does not refute the promise" in alarms
    assert f"p = {binom.sf(4, 100, 0.05):.3g}" in alarms


def test_a_rate_that_was_not_kept_is_told_with_why():
    alarms, *_ = judged({"refuse": 20, "pass": 80}, {"refuse": 1})
    assert "more than chance explains" in alarms
    assert f"p = {binom.sf(19, 100, 0.05):.3g}" in alarms


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (JUDGED, "No normal image tests the promised 5.0% of false alarms."),
        (JUDGED.model_copy(update={"options": {}}), "promise no rate of false alarms"),
    ],
)
def test_what_cannot_be_tested_is_told(card: Card, said: str):
    alarms, *_ = judged({}, {"refuse": 1}, card=card)
    assert said in alarms


def test_defects_that_were_passed_are_escapes():
    _, escapes, _ = judged({"pass": 50}, {"pass": 3, "review": 2, "refuse": 15, None: 4})
    assert "3 of 20 images of defects were passed, 15.0% (95 % interval 5.2% to 36.0%)" in escapes


def test_images_that_nobody_judged_are_neither_escapes_nor_false_alarms():
    alarms, escapes, _ = judged({"pass": 10}, {"pass": 1, "refuse": 1}, unknown=30)
    assert "0 of 10 normal images" in alarms
    assert "1 of 2 images of defects" in escapes


@pytest.mark.parametrize("defects", [{}, {None: 5}])
def test_without_a_defect_that_was_judged_nothing_is_known_of_escapes(defects: dict):
    _, escapes, _ = judged({"pass": 10}, defects)
    assert "how many escape is not known" in escapes


@pytest.mark.parametrize(
    ("metrics", "said"), [({"pro": 0.625}, "PRO 0.625"), ({}, "nothing is known of the map's")]
)
def test_places_are_told_where_masks_say_where_defects_are(metrics: dict, said: str):
    *_, places = judged({"pass": 1}, {"refuse": 1}, **metrics)
    assert said in places
