"""Errors against the number of training frames."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullLocator

from potbench.reporting.marks import Mark, Marks, legend_below, legend_height, marks_for, wrapped
from potbench.reporting.rounding import exponent
from potbench.reporting.style import COLUMN, TWO_COLUMNS, label_log, label_log_axis, positive, style
from potbench.structures import FloatArray, IntArray

MOST_LABELED_SIZES = 6


class CurveShown(NamedTuple):
    """The errors of an architecture at each number of training frames.

    Attributes:
        label: the architecture.
        sizes: shape (sizes,), numbers of training frames.
        values: shape (trainings, sizes), errors; NaN where a training diverged or is not there.
        means: shape (sizes,); NaN where there is none.
        lows: shape (sizes,), lower ends of the intervals; None for none.
        highs: shape (sizes,), upper ends.
        fit: A and b of the law A N^(−b); None for none.
    """

    label: str
    sizes: IntArray
    values: FloatArray
    means: FloatArray
    lows: FloatArray | None = None
    highs: FloatArray | None = None
    fit: tuple[float, float] | None = None


def draw_learning_curves(
    curves: Sequence[CurveShown], error_name: str, error_unit: str, marks: Marks | None = None
) -> Figure:
    """Draw errors against the number of training frames, both logarithmic: dots are trainings, lines are fitted laws.

    Args:
        curves: one for each architecture.
        error_name: such as "Forces MAE".
        error_unit: of the errors.
        marks: of the architectures on the page.
    """
    found = marks_for([curve.label for curve in curves], marks)
    longest = max((len(curve.label) for curve in curves), default=0)
    width = COLUMN if len(curves) <= 4 and longest <= 30 else TWO_COLUMNS
    with style():
        handles = [_handle(curve, found[curve.label]) for curve in curves]
        legend = legend_height([str(handle.get_label()) for handle in handles], width)
        figure = Figure(figsize=(width, 2.5 + legend), layout="constrained")
        axes = figure.subplots()
        axes.set(xscale="log", yscale="log", xlabel="Training frames", ylabel=f"{error_name} ({error_unit})")
        for place, curve in enumerate(curves):
            # intervals of several architectures at one size stand beside each other
            shift = 1.012 ** (place - (len(curves) - 1) / 2)
            _draw(axes, curve, found[curve.label], shift)
        _label_sizes(axes, curves)
        label_log_axis(axes)
        legend_below(figure, handles, width)
    return figure


def _draw(axes: Axes, curve: CurveShown, mark: Mark, shift: float) -> None:
    sizes = np.asarray(curve.sizes) * shift
    for values in np.atleast_2d(curve.values):
        axes.plot(sizes, positive(values), mark.marker, color=mark.color, alpha=0.45, markeredgewidth=0,
                  markersize=mark.size(2.5))  # fmt: skip
    if curve.lows is not None and curve.highs is not None:
        axes.vlines(sizes, positive(curve.lows), positive(curve.highs), color=mark.color, linewidth=0.8)
    means = positive(curve.means)
    axes.plot(sizes, means, mark.marker, color=mark.color, markersize=mark.size(4.5), zorder=3)
    if curve.fit is None:
        axes.plot(sizes, means, color=mark.color, linewidth=0.6, linestyle=":")
    else:
        factor, power = curve.fit
        axes.plot(sizes, factor * np.asarray(curve.sizes, dtype=float) ** -power, color=mark.color)


def _label_sizes(axes: Axes, curves: Sequence[CurveShown]) -> None:
    sizes = sorted({int(size) for curve in curves for size in curve.sizes})
    label_log(axes.xaxis)
    if 0 < len(sizes) <= MOST_LABELED_SIZES and all(b >= 1.2 * a for a, b in pairwise(sizes)):
        axes.xaxis.set_major_locator(FixedLocator(sizes))
        axes.xaxis.set_minor_locator(NullLocator())


def _handle(curve: CurveShown, mark: Mark) -> Line2D:
    law = "" if curve.fit is None else f", b = {exponent(curve.fit[1])}"
    linestyle: Literal["-", ":"] = ":" if curve.fit is None else "-"
    return Line2D([], [], color=mark.color, marker=mark.marker, markersize=mark.size(4.5), linestyle=linestyle,
                  label=wrapped(curve.label, 30) + law)  # fmt: skip
