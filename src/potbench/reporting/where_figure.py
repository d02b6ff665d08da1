"""Where the errors are: by molecule, element, energy."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from potbench.reporting.marks import Marks, legend_below, legend_height, marks_for, num_lines, wrapped
from potbench.reporting.style import TWO_COLUMNS, fit_error_axis, style
from potbench.structures import FloatArray, IntArray


def draw_where(
    groups: Sequence[str],
    errors: Mapping[str, FloatArray],
    counts: IntArray,
    axis_label: str,
    error_name: str,
    unit: str,
    marks: Marks | None = None,
) -> Figure:
    """Draw errors in each group of test frames or atoms, a row for each group.

    Args:
        groups: from top to bottom.
        errors: architecture → shape (groups,), errors; NaN for none.
        counts: shape (groups,), how many frames or atoms are in each.
        axis_label: what the groups are.
        error_name: such as "Forces MAE".
        unit: of the errors.
        marks: of the architectures on the page.
    """
    found = marks_for(errors, marks)
    labels = [f"{wrapped(group, 26)}  ({int(count):,})" for group, count in zip(groups, counts, strict=True)]
    heights = np.array([0.1 + 0.12 * num_lines(label) for label in labels])
    places = heights / 2 - np.cumsum(heights)
    handles = [
        Line2D(
            [], [], marker=mark.marker, color=mark.color, linestyle="", markersize=mark.size(4), label=wrapped(name, 30)
        )
        for name, mark in found.items()
    ]
    legend = legend_height([str(handle.get_label()) for handle in handles], TWO_COLUMNS)
    with style():
        figure = Figure(figsize=(TWO_COLUMNS, 0.7 + max(0.4, heights.sum()) + legend), layout="constrained")
        axes = figure.subplots()
        for name, values in errors.items():
            mark = found[name]
            axes.plot(values, places, mark.marker, color=mark.color, markersize=mark.size(4), alpha=0.85,
                      markeredgewidth=0.5, markeredgecolor="#FFFFFF", clip_on=False)  # fmt: skip
        axes.set_yticks(places, labels, fontsize=7)
        axes.set(ylim=(-heights.sum() or -1, 0), xlabel=f"{error_name} ({unit})")
        # above the names of the groups, since it may be longer than they are high
        axes.set_title(textwrap.fill(axis_label, 110), loc="left", fontsize=7)
        axes.tick_params(axis="y", length=0)
        numbers = np.concatenate([np.asarray(values, dtype=float) for values in errors.values()] or [np.zeros(0)])
        fit_error_axis(axes, numbers)
        axes.grid(axis="y", linewidth=0.4, color="#E0E0E0")
        legend_below(figure, handles, TWO_COLUMNS)
    return figure
