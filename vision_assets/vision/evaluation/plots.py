"""Plots of a report as PNG, small enough to travel as metadata."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from vision_assets.vision.evaluation.drawing import (
    FAINT,
    INK,
    SERIES,
    legend_above,
    new_figure,
    plain,
    png,
    short,
)
from vision_assets.vision.training.progress import EpochReport

_HEAT = "Blues"
_DARK_CELL = 0.55
_BARS_SHARE = 0.9
_MOST_CLASSES = 24
_MOST_SLICES = 30


def confusion_matrix(confusion: pd.DataFrame) -> bytes:
    """Counts of labels against predictions, shaded by the share of the label; PNG.

    Of many classes, those that are confused most.
    """
    confusion = _most_confused(confusion)
    counts = confusion.to_numpy()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 2.0 + 0.42 * len(counts)
    figure, axes = new_figure(side + 0.6, side)
    axes.imshow(shares, cmap=_HEAT, vmin=0, vmax=1)
    axes.set_xticks(range(len(counts)), short(confusion.columns), rotation=40, ha="right")
    axes.set_yticks(range(len(counts)), short(confusion.index))
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    axes.tick_params(length=0)
    for row, column in np.ndindex(*counts.shape):
        if counts[row, column]:
            white = shares[row, column] > _DARK_CELL
            axes.text(
                column,
                row,
                f"{counts[row, column]:d}",
                ha="center",
                va="center",
                color="white" if white else INK,
                fontsize=8,
            )
    return png(figure)


def class_bars(per_class: pd.DataFrame, figures: Sequence[str]) -> bytes:
    """Bars of figures in 0..1, a group for each class; PNG.

    Of many classes, those with the lowest figures.
    """
    if len(per_class) > _MOST_CLASSES:
        per_class = per_class.sort_values(list(figures)).head(_MOST_CLASSES)
    figure, axes = new_figure(4.8, 1.2 + 0.16 * (len(figures) + 1) * len(per_class))
    height = _BARS_SHARE / (len(figures) + 0.6)
    places = np.arange(len(per_class))
    for index, name in enumerate(figures):
        axes.barh(
            places + (index - (len(figures) - 1) / 2) * height,
            per_class[name],
            height,
            color=SERIES[index],
            label=name,
        )
    axes.set_yticks(places, short(per_class["label"]))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color=FAINT, alpha=0.3)
    legend_above(axes, len(figures))
    return png(figure)


def slice_bars(slices: pd.DataFrame) -> bytes:
    """Share of right answers in each slice with its interval and number of images; PNG.

    Of many slices, the worst.
    """
    slices = slices.head(_MOST_SLICES)
    figure, axes = new_figure(6.8, 0.8 + 0.26 * len(slices))
    places = np.arange(len(slices))
    reach = np.abs(slices[["low", "high"]].to_numpy(float).T - slices["correct"].to_numpy(float))
    axes.barh(places, slices["correct"], 0.68, color=SERIES[5])
    axes.errorbar(slices["correct"], places, xerr=reach, fmt="none", ecolor=INK, capsize=2, lw=1)
    axes.set_yticks(places, short(slices["column"] + " = " + slices["value"], longest=40))
    for place, n in zip(places, slices["n"], strict=True):
        axes.text(0.01, float(place), f"n = {n}", va="center", color=INK, fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of right answers, with its 95 % interval")
    return png(figure)


def learning_curves(history: Sequence[EpochReport]) -> bytes:
    """Losses to the left, figures on the val split to the right, over epochs; PNG."""
    figure = Figure((7.2, 2.8), layout="constrained")
    losses, quality = figure.subplots(1, 2)
    curves = [report.metrics() for report in history]
    epochs = [report.epoch for report in history]
    names = sorted({name for curve in curves for name in curve} - {"images_per_s"})
    for index, name in enumerate(names):
        axes = losses if name.endswith("loss") else quality
        axes.plot(
            epochs,
            [curve.get(name, np.nan) for curve in curves],
            color=SERIES[index % len(SERIES)],
            label=name,
            marker="o" if len(epochs) == 1 else "",
        )
    for axes in (losses, quality):
        plain(axes)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=FAINT, alpha=0.3)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    return png(figure)


def _most_confused(confusion: pd.DataFrame) -> pd.DataFrame:
    if len(confusion) <= _MOST_CLASSES:
        return confusion
    counts = confusion.to_numpy()
    wrong = counts.sum(0) + counts.sum(1) - 2 * np.diag(counts)
    kept = np.sort(np.argsort(-wrong, kind="stable")[:_MOST_CLASSES])
    return confusion.iloc[kept, kept]
