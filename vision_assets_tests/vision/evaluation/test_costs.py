"""Escapes, overkill, reviews and their cost, counted by hand."""

import numpy as np
import pytest

from vision_assets.vision.evaluation.costs import (
    Consequences,
    consequences,
    decided,
    decision_figures,
    trade_off,
)
from vision_assets_tests.vision.evaluation.outcomes import COSTS, outcomes

LABELS = ["good", "good", "good", "scratch", "scratch", "pit"]
SCORES = [0.1, 0.5, 0.9, 0.2, 0.6, 0.8]
"""Passed below 0.3, refused from 0.7: passed, reviewed, refused; escaped, reviewed, refused."""


@pytest.fixture
def table():
    return outcomes(LABELS, LABELS, SCORES)


def test_counts_and_cost(table):
    assert consequences(table, COSTS) == Consequences(
        defects=3, good=3, escapes=1, overkill=1, reviewed=2, cost=10 + 1 + 2 * 0.5
    )


def test_rates_are_shares_of_defects_of_good_parts_and_of_all(table):
    found = decision_figures(table, np.ones((1, 6)), COSTS)
    assert found["escape_rate"].values == pytest.approx([1 / 3])
    assert found["overkill_rate"].values == pytest.approx([1 / 3])
    assert found["review_rate"].values == pytest.approx([2 / 6])
    assert found["cost"].values == pytest.approx([2.0])
    assert (found["escape_rate"].n, found["cost"].n) == (3, 6)


def test_rates_of_one_class(table):
    found = decision_figures(table, np.ones((1, 6)), COSTS)
    assert found["escape_rate/scratch"].values == pytest.approx([0.5])
    assert found["escape_rate/pit"].values == pytest.approx([0.0])
    assert "overkill_rate/pit" not in found
    assert "escape_rate/good" not in found


def test_weights_count_images_several_times(table):
    found = decision_figures(table, np.array([[0, 0, 3, 1, 0, 1.0]]), COSTS)
    assert found["escape_rate"].values == pytest.approx([0.5])
    assert found["cost"].values == pytest.approx([(3 * 1 + 10) / 5])


def test_where_nothing_is_decided_there_are_no_figures(table):
    assert decision_figures(decided(table, {}), np.ones((1, 6)), COSTS) == {}


def test_an_image_of_an_unknown_class_does_not_count(table):
    table["defect"] = table["defect"].astype(object)
    table.loc[3, "defect"] = None
    assert consequences(table, COSTS).escapes == 0
    assert decision_figures(table, np.ones((1, 6)), COSTS)["cost"].n == 5


def test_every_threshold_trades_escapes_for_overkill(table):
    curve = trade_off(table, COSTS).set_index("threshold")
    assert curve.loc[0.0].tolist() == pytest.approx([0, 1, 3 / 6])
    assert curve.loc[0.5].tolist() == pytest.approx([1 / 3, 2 / 3, (10 + 2) / 6])
    assert curve.iloc[-1].tolist() == pytest.approx([1, 0, 30 / 6])
    assert curve["escape_rate"].is_monotonic_increasing
    assert curve["overkill_rate"].is_monotonic_decreasing


def test_the_curve_says_what_deciding_by_its_threshold_leads_to(table):
    for row in trade_off(table, COSTS).to_dict("records"):
        one = {"pass_below": row["threshold"], "refuse_from": row["threshold"]}
        found = consequences(decided(table, one), COSTS)
        assert found.cost / 6 == pytest.approx(row["cost"])
        assert found.escapes / 3 == pytest.approx(row["escape_rate"])
