"""How far predictions are off: histograms of predicted − true."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from potbench.reporting.comparison import Comparison
from potbench.reporting.rounding import three_digits
from potbench.reporting.style import BLUE, TWO_COLUMNS, add_heading, label_log_axis, limits, round_ticks, style


def draw_residuals(comparisons: Sequence[Comparison], about: str = "") -> Figure:
    """Draw histograms of predicted − true, a row for each property: left what is usual, right what is rare.

    Args:
        comparisons: each property.
        about: names of data and model, and the number of frames, above the figure.
    """
    with style():
        figure = Figure(figsize=(TWO_COLUMNS, 0.4 + 2.0 * len(comparisons)), layout="constrained")
        rows = figure.subplots(len(comparisons), 2, squeeze=False)
        for (linear, logarithmic), comparison in zip(rows, comparisons, strict=True):
            _draw(linear, logarithmic, comparison)
        add_heading(figure, about)
    return figure


def _draw(linear: Axes, logarithmic: Axes, comparison: Comparison) -> None:
    residuals = comparison.residuals
    low, high = limits(residuals, reach=6)
    num_outside = int(np.count_nonzero((residuals < low) | (residuals > high)))
    # twice the bins of Rice's rule, since tails take up most of the axis
    num_bins = int(np.clip(4 * np.cbrt(len(residuals)), 9, 120))
    counts, edges = np.histogram(residuals, num_bins, range=(low, high))
    for axes in (linear, logarithmic):
        axes.stairs(counts, edges, fill=True, color=BLUE)
        axes.axvline(0, color="black", linewidth=0.6)
        axes.set_xlabel(f"Predicted − true {comparison.name} ({comparison.unit})")
        axes.set_ylabel(f"{comparison.counted} per bin")
        axes.xaxis.set_major_locator(round_ticks())
    highest = max(counts.max(), 1)
    linear.set(xlim=(low, high), ylim=(0, 1.05 * highest))
    linear.yaxis.set_major_locator(round_ticks(integer=True))
    linear.yaxis.set_major_formatter("{x:,.0f}")
    logarithmic.set(xlim=(low, high), ylim=(0.7, 1.5 * highest), yscale="log")
    label_log_axis(logarithmic)
    linear.set_title(", ".join(comparison.errors), loc="left")
    largest = [f"Largest {three_digits(np.abs(residuals).max())} {comparison.unit}"] if len(residuals) else []
    logarithmic.set_title(textwrap.fill(", ".join(largest + comparison.unseen(num_outside)), width=50), loc="left")
