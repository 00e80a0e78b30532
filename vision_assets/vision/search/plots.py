"""Plots of a study as PNG, small enough to travel as metadata."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vision_assets.vision.evaluation.drawing import FAINT, SERIES, new_figure, plain, png, short
from vision_assets.vision.search.question import Question
from vision_assets.vision.search.trial import Trial
from vision_assets.vision.spec import RangeSpec

_COLUMNS = 3


def history(trials: Sequence[Trial], question: Question) -> bytes:
    """Values of the finished trials in their order, and the best so far; PNG."""
    figure, axes = new_figure(6.4, 2.8)
    finished = _finished(trials)
    numbers = [number for number, _, _ in finished]
    better = min if question.direction == "minimize" else max
    values = [value for _, value, _ in finished]
    best = [better(values[: place + 1]) for place in range(len(values))]
    axes.plot(numbers, best, color=SERIES[1], drawstyle="steps-post", label="best so far")
    axes.plot(numbers, values, "o", color=SERIES[0], markersize=4, label="finished")
    stopped = [trial.number for trial in trials if trial.state in ("pruned", "failed")]
    if stopped and values:
        worst = max(values) if better is min else min(values)
        axes.plot(stopped, [worst] * len(stopped), "x", color=FAINT, label="pruned or failed")
    axes.set_xlabel("trial")
    axes.set_ylabel(question.curve)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=FAINT, alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    return png(figure)


def importances(shares: Mapping[str, float]) -> bytes:
    """Bars of how much each field of the recipe matters, most on top; PNG."""
    figure, axes = new_figure(4.8, 0.9 + 0.28 * len(shares))
    names = list(shares)
    axes.barh(range(len(names)), [shares[name] for name in names], 0.7, color=SERIES[0])
    axes.set_yticks(range(len(names)), short(names))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of the differences between trials")
    return png(figure)


def values_tried(trials: Sequence[Trial], question: Question) -> bytes:
    """For each field of the space, what was tried and what came of it; PNG."""
    rows = -(-len(question.space) // _COLUMNS)
    figure = Figure((7.2, 0.4 + 2.0 * rows), layout="constrained")
    panels = figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False).flat
    for axes, (name, tried) in zip(panels, question.space.items(), strict=False):
        _panel(axes, name, tried, trials)
    for axes in panels[len(question.space) :]:
        axes.set_visible(False)
    for place in range(0, rows * _COLUMNS, _COLUMNS):
        panels[place].set_ylabel(question.curve, fontsize=8)
    return png(figure)


def _panel(
    axes: Axes, name: str, tried: RangeSpec | tuple[object, ...], trials: Sequence[Trial]
) -> None:
    plain(axes)
    finished = _finished(trials)
    values = [value for _, value, _ in finished]
    if isinstance(tried, RangeSpec):
        axes.plot([p[name] for _, _, p in finished], values, "o", color=SERIES[0], markersize=4)
        axes.set_xscale("log" if tried.log else "linear")
    else:
        places = [tried.index(p[name]) for _, _, p in finished]
        axes.plot(places, values, "o", color=SERIES[0], markersize=4)
        axes.set_xticks(range(len(tried)), short(tried))
        axes.set_xlim(-0.5, len(tried) - 0.5)
    axes.set_xlabel(name, fontsize=8)
    axes.grid(color=FAINT, alpha=0.3)


def _finished(trials: Sequence[Trial]) -> list[tuple[int, float, dict[str, Any]]]:
    """Number, value and params of the finished trials."""
    return [
        (trial.number, trial.value, trial.params) for trial in trials if trial.value is not None
    ]
