"""Plots of a report as PNG, small enough to travel as metadata.

The object-oriented interface of matplotlib with its raster canvas: no state of the process
is touched, and no display is needed.
"""

import io
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from vision_assets.vision.training.progress import EpochReport

_DPI = 110
_INK, _FAINT = "#1f2933", "#9aa5b1"
_SERIES = ("#1d5fa8", "#d9822b", "#3a8f5c", "#8e4ec6", "#c2413b")
_HEAT = "Blues"
_DARK_CELL = 0.55
_BARS_SHARE = 0.9
_MOST_CLASSES = 24
_COLOURS = 64


def confusion_matrix(confusion: pd.DataFrame) -> bytes:
    """Counts of labels against predictions, shaded by the share of the label; PNG.

    Of many classes, those that are confused most.
    """
    confusion = _most_confused(confusion)
    counts = confusion.to_numpy()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = 2.0 + 0.42 * len(counts)
    figure, axes = _figure(side + 0.6, side)
    axes.imshow(shares, cmap=_HEAT, vmin=0, vmax=1)
    axes.set_xticks(range(len(counts)), _short(confusion.columns), rotation=40, ha="right")
    axes.set_yticks(range(len(counts)), _short(confusion.index))
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
                color="white" if white else _INK,
                fontsize=8,
            )
    return _png(figure)


def class_bars(per_class: pd.DataFrame, figures: Sequence[str]) -> bytes:
    """Bars of figures in 0..1, a group for each class; PNG.

    Of many classes, those with the lowest figures.
    """
    if len(per_class) > _MOST_CLASSES:
        per_class = per_class.sort_values(list(figures)).head(_MOST_CLASSES)
    figure, axes = _figure(4.8, 1.2 + 0.16 * (len(figures) + 1) * len(per_class))
    height = _BARS_SHARE / (len(figures) + 0.6)
    places = np.arange(len(per_class))
    for index, name in enumerate(figures):
        axes.barh(
            places + (index - (len(figures) - 1) / 2) * height,
            per_class[name],
            height,
            color=_SERIES[index],
            label=name,
        )
    axes.set_yticks(places, _short(per_class["label"]))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.grid(axis="x", color=_FAINT, alpha=0.3)
    axes.set_axisbelow(True)
    _legend_above(axes, len(figures))
    return _png(figure)


def slice_bars(slices: pd.DataFrame) -> bytes:
    """Share of right answers in each slice, with the number of images; PNG."""
    figure, axes = _figure(6.4, 0.8 + 0.24 * len(slices))
    places = np.arange(len(slices))
    axes.barh(places, slices["correct"], 0.7, color=_SERIES[0])
    axes.set_yticks(places, _short(slices["column"] + " = " + slices["value"], longest=40))
    for place, n in zip(places, slices["n"], strict=True):
        axes.text(0.01, float(place), f"n = {n}", va="center", color="white", fontsize=7)
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of right answers")
    return _png(figure)


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
            color=_SERIES[index % len(_SERIES)],
            label=name,
            marker="o" if len(epochs) == 1 else "",
        )
    for axes in (losses, quality):
        _plain(axes)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=_FAINT, alpha=0.3)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    return _png(figure)


def _most_confused(confusion: pd.DataFrame) -> pd.DataFrame:
    if len(confusion) <= _MOST_CLASSES:
        return confusion
    counts = confusion.to_numpy()
    wrong = counts.sum(0) + counts.sum(1) - 2 * np.diag(counts)
    kept = np.sort(np.argsort(-wrong, kind="stable")[:_MOST_CLASSES])
    return confusion.iloc[kept, kept]


def _figure(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    figure = Figure((width_in, height_in), layout="constrained")
    axes = figure.subplots()
    _plain(axes)
    return figure, axes


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_FAINT)
    axes.tick_params(colors=_INK, labelsize=8)


def _legend_above(axes: Axes, columns: int) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, frameon=False, fontsize=8)


def _short(names: Iterable[object], longest: int = 18) -> list[str]:
    texts = [str(name) for name in names]
    return [text if len(text) <= longest else f"{text[: longest - 1]}…" for text in texts]


def _png(figure: Figure) -> bytes:
    """With a palette: a third of the bytes, and no difference to the eye."""
    figure.set_dpi(_DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
    buffer = io.BytesIO()
    Image.fromarray(pixels).quantize(_COLOURS).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
