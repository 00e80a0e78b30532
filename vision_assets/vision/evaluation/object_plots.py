"""What objects are like, as one picture: how many on an image, how large, of which shape."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from vision_assets.vision.dataset.object_table import ObjectTable
from vision_assets.vision.evaluation.drawing import INK, SERIES, plain, png

_BINS = 40
_EACH = 36
"""Up to so many objects on an image, each number has its own bar."""


def object_plot(table: ObjectTable) -> bytes | None:
    """Four histograms as a PNG of some 15 KB; None where there are no objects."""
    if table.objects.empty:
        return None
    objects = table.objects
    figure = Figure((9, 4.4), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    _counts(axes[0], table.per_image.dropna().astype(int))
    sides = np.sqrt((objects["width"] * objects["height"]).to_numpy())
    _logarithmic(axes[1], "side of a square of the box's area, px", sides)
    _logarithmic(axes[2], "width ÷ height of the box", objects["ratio"].to_numpy())
    shares = 100 * objects["area_share"].to_numpy()
    _logarithmic(axes[3], "share of the image, %", shares)
    return png(figure)


def _counts(axes: Axes, counts: pd.Series) -> None:
    most = max(1, int(counts.max()))
    edges = np.arange(most + 2) - 0.5 if most <= _EACH else np.linspace(-0.5, most + 0.5, _BINS)
    _bars(axes, "objects on an image", counts.to_numpy(), edges)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("images", fontsize=8, color=INK)


def _logarithmic(axes: Axes, title: str, values: np.ndarray) -> None:
    values = values[np.isfinite(values) & (values > 0)]
    low, high = (values.min(), values.max()) if len(values) else (1.0, 10.0)
    _bars(axes, title, values, np.geomspace(low * 0.99, high * 1.01, _BINS))
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylabel("objects", fontsize=8, color=INK)


def _bars(axes: Axes, title: str, values: np.ndarray, edges: Sequence[float] | np.ndarray) -> None:
    plain(axes)
    axes.hist(values, bins=list(edges), color=SERIES[0], rwidth=0.9)
    axes.set_title(title, fontsize=9, loc="left", color=INK)
