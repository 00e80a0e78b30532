"""Plots of how scores behave: curves of each class, and the reliability diagram; PNG."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vision_assets.vision.evaluation.drawing import (
    FAINT,
    INK,
    SERIES,
    new_figure,
    plain,
    png,
    short,
)

_SIDE_IN = 4.6
_SCORE_BINS = 25
_STYLES = ("-", "--")
_LEGEND: dict[str, Any] = {
    "frameon": False,
    "fontsize": 7.5,
    "title_fontsize": 7.5,
    "loc": "lower left",
    "bbox_to_anchor": (0, 1),
    "ncols": 2,
    "alignment": "left",
}
_PERCENT = ("0", "20", "40", "60", "80", "100")


def precision_recall_curves(curves: pd.DataFrame, per_class: pd.DataFrame) -> bytes:
    """Precision against recall; of many classes the weakest are named, the others grey.

    Args:
        curves: `label`, `recall`, `precision`.
        per_class: `label`, `average_precision`.
    """
    figure, axes = _square("recall", "precision")
    lines = _lines(curves, "recall", "precision")
    _draw(axes, lines, per_class.set_index("label")["average_precision"], "AP", "steps-pre")
    return png(figure)


def roc_curves(curves: pd.DataFrame, per_class: pd.DataFrame) -> bytes:
    """Recall against false alarms; of many classes the weakest are named, the others grey.

    Args:
        curves: `label`, `false_alarms`, `recall`.
        per_class: `label`, `auroc`.
    """
    figure, axes = _square("share of the other classes taken for it", "recall")
    axes.plot([0, 1], [0, 1], color=FAINT, lw=0.8, ls=":")
    lines = _lines(curves, "false_alarms", "recall")
    _draw(axes, lines, per_class.set_index("label")["auroc"], "area", "default")
    return png(figure)


def reliability_diagram(
    bins: pd.DataFrame, scores: pd.Series, error: float, temperature: float | None
) -> bytes:
    """What scores promise against what they keep, and below how many images have which score.

    Args:
        bins: as `vision_assets.vision.evaluation.calibration.reliability` gives them.
        scores: of the answers, one per image.
        error: the expected calibration error.
        temperature: by which the scores were calibrated, if they were.
    """
    figure = Figure((_SIDE_IN, _SIDE_IN * 1.12), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[4, 1])
    for axes in (above, below):
        plain(axes)
    above.plot([0, 1], [0, 1], color=FAINT, lw=0.9, ls=":")
    reach = np.abs(bins[["low", "high"]].to_numpy(float).T - bins["correct"].to_numpy(float))
    above.errorbar(
        bins["score"],
        bins["correct"],
        yerr=reach,
        fmt="o",
        color=SERIES[0],
        ecolor=SERIES[5],
        ms=4,
        capsize=2,
        lw=1.2,
    )
    _unit(above.set_ylim, above.set_yticks)
    above.set_ylabel("right answers, %")
    above.set_title(_said(error, temperature), fontsize=8.5, color=INK, loc="left")
    below.hist(scores, _SCORE_BINS, range=(0, 1), color=SERIES[5])
    below.set_ylabel("images")
    below.set_xlabel("score of the answer, %")
    _unit(below.set_xlim, below.set_xticks)
    return png(figure)


def _said(error: float, temperature: float | None) -> str:
    by = "" if temperature is None else f", temperature {temperature:.2f}"
    return f"calibration error {100 * error:.1f} %{by}"


def _square(x: str, y: str) -> tuple[Figure, Axes]:
    figure, axes = new_figure(_SIDE_IN, _SIDE_IN)
    axes.set_xlabel(f"{x}, %")
    axes.set_ylabel(f"{y}, %")
    _unit(axes.set_xlim, axes.set_xticks)
    _unit(axes.set_ylim, axes.set_yticks)
    axes.grid(color=FAINT, alpha=0.25)
    return figure, axes


def _unit(limits: Callable[..., object], ticks: Callable[..., object]) -> None:
    """0 to 100 %, with room for lines along the edge."""
    ticks(np.linspace(0, 1, len(_PERCENT)), _PERCENT)
    limits(-0.02, 1.02)


def _lines(curves: pd.DataFrame, x: str, y: str) -> dict[object, np.ndarray]:
    """The points of each class, (n, 2), by label."""
    return {label: points[[x, y]].to_numpy() for label, points in curves.groupby("label")}


def _draw(
    axes: Axes, lines: Mapping[object, np.ndarray], figures: pd.Series, name: str, steps: str
) -> None:
    """The weakest classes in colours and above the others, which are grey."""
    weakest_first = figures[figures.index.isin(list(lines))].sort_values(kind="stable")
    n_named = min(len(weakest_first), len(SERIES))
    for rank, (label, value) in reversed(list(enumerate(weakest_first.items()))):
        named = rank < n_named
        axes.plot(
            *lines[label].T,
            color=SERIES[rank] if named else FAINT,
            ls=_STYLES[rank % len(_STYLES)] if named else "-",
            lw=1.6 if named else 0.8,
            alpha=1 if named else 0.4,
            drawstyle=steps,
            label=f"{short([label])[0]}, {name} {value:.3f}" if named else None,
        )
    title = f"the {n_named} weakest of {len(weakest_first)}"
    axes.legend(
        *(entries[::-1] for entries in axes.get_legend_handles_labels()),
        **_LEGEND,
        title=title if n_named < len(weakest_first) else None,
    )
