"""Plots of what decisions lead to: escapes against overkill, and cost over the threshold; PNG."""

from collections.abc import Mapping

import pandas as pd

from vision_assets.vision.evaluation.costs import (
    COST,
    ESCAPE_RATE,
    OVERKILL_RATE,
    Consequences,
    trade_off,
)
from vision_assets.vision.evaluation.drawing import (
    FAINT,
    INK,
    SERIES,
    legend_above,
    new_figure,
    png,
)
from vision_assets.vision.evaluation.evidence import Evidence
from vision_assets.vision.inference.decision import PASS_BELOW, REFUSE_FROM

_SIZE_IN = (4.8, 3.2)


def cost_plots(evidence: Evidence) -> dict[str, bytes]:
    """All of them by title; none where the bundle decides nothing."""
    reached = evidence.consequences
    if reached is None:
        return {}
    curve = trade_off(evidence.outcomes, evidence.costs)
    return {
        "escapes against overkill": escapes_against_overkill(curve, reached),
        "cost over the threshold": cost_over_threshold(
            curve, reached, evidence.scorecard.card.thresholds
        ),
    }


def escapes_against_overkill(curve: pd.DataFrame, reached: Consequences) -> bytes:
    """Both rates for every threshold that decides all parts, and where the bundle stands.

    Args:
        curve: from `costs.trade_off`.
        reached: with the bundle's own thresholds.
    """
    figure, axes = new_figure(*_SIZE_IN)
    axes.step(
        100 * curve[OVERKILL_RATE],
        100 * curve[ESCAPE_RATE],
        where="post",
        color=SERIES[0],
        label="one threshold, nobody looks",
    )
    axes.plot(
        100 * reached.overkill / max(1, reached.good),
        100 * reached.escapes / max(1, reached.defects),
        marker="o",
        linestyle="",
        color=SERIES[1],
        label="this bundle",
    )
    axes.set_xlabel("overkill: good parts refused, %")
    axes.set_ylabel("escapes: defects passed, %")
    axes.grid(color=FAINT, alpha=0.3)
    legend_above(axes, 2)
    return png(figure)


def cost_over_threshold(
    curve: pd.DataFrame, reached: Consequences, thresholds: Mapping[str, float]
) -> bytes:
    """Cost of a part over the one threshold, and with the bundle's own two.

    Args:
        curve: from `costs.trade_off`.
        reached: with the bundle's own thresholds.
        thresholds: of the bundle.
    """
    figure, axes = new_figure(*_SIZE_IN)
    axes.step(curve["threshold"], curve[COST], where="pre", color=SERIES[0], label="one threshold")
    axes.axhline(
        reached.cost / max(1, reached.n), color=SERIES[1], label="this bundle, with a person"
    )
    axes.axvspan(thresholds[PASS_BELOW], thresholds[REFUSE_FROM], color=FAINT, alpha=0.25)
    for name in (PASS_BELOW, REFUSE_FROM):
        axes.axvline(thresholds[name], color=INK, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 1)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("threshold of the defect score; a person looks at what is grey")
    axes.set_ylabel("cost of a part")
    axes.grid(color=FAINT, alpha=0.3)
    legend_above(axes, 2)
    return png(figure)
