"""How a hyperparameter search went."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from potbench.reporting.marks import Marks, legend_below, legend_height, marks_for, wrapped
from potbench.reporting.style import COLUMN, GRAY, TWO_COLUMNS, label_log_axis, round_ticks, style
from potbench.structures import FloatArray


def draw_search(
    best: Mapping[str, FloatArray],
    name: str,
    unit: str,
    expected: Mapping[str, FloatArray] | None = None,
    marks: Marks | None = None,
) -> Figure:
    """Draw the smallest error found so far against the number of trials, and what is expected of as many.

    Args:
        best: architecture → shape (trials,), smallest error after each trial; NaN where none had ended well.
        name: of the error.
        unit: of it.
        expected: architecture → shape (trials,), error that the best of so many trials is expected to have; dashed.
        marks: of the architectures on the page.
    """
    found = marks_for([*best, *(expected or {})], marks)
    handles = [
        Line2D([], [], color=mark.color, marker=mark.marker, markersize=mark.size(3), label=wrapped(label, 30))
        for label, mark in found.items()
    ]
    if expected:
        handles.append(Line2D([], [], color=GRAY, linestyle="--", linewidth=0.8, label="expected best"))
    width = COLUMN if len(found) <= 4 else TWO_COLUMNS
    legend = legend_height([str(handle.get_label()) for handle in handles], width)
    with style():
        figure = Figure(figsize=(width, 2.4 + legend), layout="constrained")
        axes = figure.subplots()
        axes.set(yscale="log", xlabel="Trials", ylabel=f"{name} ({unit})" if unit else name)
        for label, values in best.items():
            trials = np.arange(1, len(values) + 1)
            mark = found[label]
            axes.step(trials, values, where="post", color=mark.color, marker=mark.marker, markersize=mark.size(3))
        for label, values in (expected or {}).items():
            axes.plot(np.arange(1, len(values) + 1), values, color=found[label].color, linestyle="--", linewidth=0.8)
        label_log_axis(axes)
        axes.xaxis.set_major_locator(round_ticks(integer=True))
        legend_below(figure, handles, width)
    return figure
