"""What all figures have in common: sizes, colors, axes.

Sizes and fonts are those of a printed page: one column is 3.35 in wide, two are 6.9 in. Color-blind readers can tell
the colors apart (Okabe and Ito; viridis).
"""

from __future__ import annotations

import io
import math
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from potbench.structures import FloatArray

COLUMN, TWO_COLUMNS = 3.35, 6.9
"""Widths of a figure in inches."""

BLUE, ORANGE = "#0072B2", "#D55E00"

# Any: newer matplotlib types every key of a style as a literal
_STYLE: Any = {
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3,
}


def style() -> AbstractContextManager[None]:
    """Return a context in which figures are drawn; the style outside it stays as it is."""
    return mpl.rc_context(_STYLE)


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file, at 300 dots per inch."""
    stream = io.BytesIO()
    with style():  # tick labels are made only now
        figure.savefig(stream, format="png", dpi=300)
    return stream.getvalue()


def round_ticks(integer: bool = False) -> MaxNLocator:
    """Return a locator of at most seven ticks at round numbers."""
    return MaxNLocator(6, integer=integer, steps=(1, 2, 2.5, 5, 10))


def limits(values: FloatArray, reach: float) -> tuple[float, float]:
    """Return limits of an axis for all values but those further from the quartiles than reach × their distance.

    Args:
        values: shape (values,), all finite.
        reach: in distances between the first and the third quartile.
    """
    if not len(values):
        return -1.0, 1.0
    low, first, third, high = np.quantile(values, (0, 0.25, 0.75, 1))
    if third > first:
        away = reach * (third - first)
        near = values[(values >= first - away) & (values <= third + away)]
        low, high = near.min(), near.max()
    # values that differ by rounding alone are all the same
    margin = 0.03 * (high - low) if high - low > 1e-9 * max(abs(low), abs(high)) else 1.0
    return float(low - margin), float(high + margin)


def label_log_axis(axes: Axes) -> None:
    """Label a logarithmic y axis by plain numbers where powers of ten would label less than two decades of it."""
    low, high = axes.get_ylim()
    if high < 4 * low:
        low, high = axes.set_ylim(math.sqrt(low * high) / 2, math.sqrt(low * high) * 2)
    if high < 100 * low:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
