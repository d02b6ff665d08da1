"""What all figures have in common: sizes, colors, axes.

Sizes and fonts are those of a printed page: one column is 3.35 in wide, two are 6.9 in. Color-blind readers can tell
the colors apart (Okabe and Ito; viridis).
"""

from __future__ import annotations

import io
import math
import textwrap
from contextlib import AbstractContextManager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from potbench.structures import FloatArray

COLUMN, TWO_COLUMNS = 3.35, 6.9
"""Widths of a figure in inches."""

BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#767676"

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
    # names may hold dollars
    "text.parse_math": False,
    # text stays text, which is found, read aloud, and drawn in the font of the page
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # the same figure is the same file
    "svg.hashsalt": "potbench",
}
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def style() -> AbstractContextManager[None]:
    """Return a context in which figures are drawn; the style outside it stays as it is."""
    return mpl.rc_context(_STYLE)


def png(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PNG file, at 300 dots per inch."""
    return _saved(figure, "png", dpi=300)


def pdf(figure: Figure) -> bytes:
    """Return a figure as the bytes of a PDF file, the same at any time."""
    return _saved(figure, "pdf", dpi=300, metadata={"CreationDate": None})


def svg(figure: Figure) -> str:
    """Return a figure as SVG, the same at any time, whose text is text."""
    return _saved(figure, "svg", dpi=300, metadata={"Date": None, "Creator": None}).decode()


def settle(figure: Figure) -> None:
    """Lay a figure out once and for all, so that saving it several times does not take as many layouts."""
    with style():
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def _saved(figure: Figure, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    with style():  # tick labels are made only now
        figure.savefig(stream, format=kind, **options)
    return stream.getvalue()


def add_heading(figure: Figure, text: str) -> None:
    """Write what a figure is about above it, in lines as wide as it is; nothing for an empty text."""
    if text:
        figure.suptitle(textwrap.fill(text, int(17 * figure.get_figwidth())), fontsize=7)


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
    """Label a logarithmic y axis by plain numbers, of which at least two are in sight."""
    low, high = axes.get_ylim()
    axes.set_ylim(*log_limits(low, high))
    label_log(axes.yaxis)


def log_limits(low: float, high: float) -> tuple[float, float]:
    """Return limits of a logarithmic axis that are at least a factor of four apart."""
    if high < 4 * low:
        return math.sqrt(low * high) / 2, math.sqrt(low * high) * 2
    return low, high


def label_log(axis: Axis) -> None:
    """Label a logarithmic axis by plain numbers: 0.2, 0.5, 1; by powers of ten alone where it spans two decades."""
    low, high = sorted(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=8))
    axis.set_major_formatter(LOG_TICKS)
    axis.set_minor_formatter(NullFormatter())


def positive(values: FloatArray) -> FloatArray:
    """Return values with NaN in place of those that a logarithmic axis has no place for."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.where(np.isfinite(numbers) & (numbers > 0), numbers, np.nan)


def fit_error_axis(axes: Axes, errors: FloatArray) -> None:
    """Give an x axis of errors its limits: from zero, or logarithmic where they differ by more than a factor of five.

    Args:
        axes: of the panel.
        errors: shape (errors,), all that is shown; what is not finite does not count.
    """
    errors = errors[np.isfinite(errors)]
    if not len(errors):
        axes.set_xticks([])
    elif errors.min() > 0 and errors.max() > 5 * errors.min():
        axes.set_xscale("log")
        axes.set_xlim(*log_limits(errors.min() / 1.15, errors.max() * 1.15))
        label_log(axes.xaxis)
    else:
        axes.set_xlim(min(0.0, 1.05 * errors.min()), 1.06 * errors.max() or 1.0)
        axes.xaxis.set_major_locator(round_ticks())
    axes.grid(axis="x", linewidth=0.4, color="#E0E0E0")
    axes.set_axisbelow(True)


def plain_number(value: float) -> str:
    """Return a number as an axis shows it: 0.002, 50, 20,000, 10⁶."""
    power = math.floor(math.log10(abs(value)) + 1e-9) if value else 0
    if -4 <= power < 6:
        return f"{value:,.{max(0, 2 - power)}f}".rstrip("0").rstrip(".") if power < 2 else f"{value:,.0f}"
    factor = f"{value / 10.0**power:g}"
    return ("" if factor == "1" else f"{factor} × ") + "10" + str(power).translate(SUPERSCRIPTS)


LOG_TICKS = FuncFormatter(lambda value, _: plain_number(value))
"""Writes the numbers of a logarithmic axis."""
