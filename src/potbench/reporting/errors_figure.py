"""Errors of architectures side by side: each training a dot, with the interval of their mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from potbench.reporting.marks import Mark, Marks, marks_for, num_lines, wrapped
from potbench.reporting.style import COLUMN, GRAY, TWO_COLUMNS, fit_error_axis, style


class ErrorRow(NamedTuple):
    """The errors of one architecture on one dataset or size.

    Attributes:
        label: the architecture.
        group: the dataset or size; each is a panel.
        values: error of each training; not finite where it diverged.
        mean: of them; None for none.
        low: lower end of the interval; None for none.
        high: upper end.
        baseline: whether it is one.
    """

    label: str
    group: str
    values: tuple[float, ...]
    mean: float | None
    low: float | None
    high: float | None
    baseline: bool


def draw_errors(rows: Sequence[ErrorRow], name: str, unit: str, marks: Marks | None = None) -> Figure:
    """Draw errors, a panel for each group: dots are trainings, bars intervals, a stroke is the mean.

    Args:
        rows: from top to bottom.
        name: of the error, such as "Forces MAE".
        unit: of all of them.
        marks: of the architectures on the page.
    """
    groups = list(dict.fromkeys(row.group for row in rows))
    found = marks_for([row.label for row in rows], marks)
    labels = [wrapped(row.label + " (baseline)" * row.baseline, 28) for row in rows]
    of_group = {group: [index for index, row in enumerate(rows) if row.group == group] for group in groups}
    heights = [sum(_height(labels[index]) for index in indices) for indices in of_group.values()]
    longest = max((len(line) for label in labels for line in label.split("\n")), default=0)
    width = COLUMN if longest <= 14 else TWO_COLUMNS
    with style():
        size = (width, 0.35 + sum(heights) + 0.5 * max(1, len(groups)))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(len(groups) or 1, squeeze=False, height_ratios=heights or None)[:, 0]
        for axes, (group, indices) in zip(panels, of_group.items(), strict=False):
            _draw(axes, [rows[index] for index in indices], [labels[index] for index in indices], found)
            axes.set_title(group, loc="left")
        panels[-1].set_xlabel(f"{name} ({unit})" if unit else name)
    return figure


def _height(label: str) -> float:
    return 0.06 + 0.13 * num_lines(label)


def _draw(axes: Axes, rows: Sequence[ErrorRow], labels: Sequence[str], marks: Marks) -> None:
    places = -np.cumsum([_height(label) for label in labels]) + [_height(label) / 2 for label in labels]
    for place, row in zip(places, rows, strict=True):
        _draw_row(axes, place, row, marks[row.label])
    ends = [(*row.values, *(np.nan if end is None else end for end in (row.mean, row.low, row.high))) for row in rows]
    fit_error_axis(axes, np.array([number for row in ends for number in row]))
    axes.set_yticks(places, labels, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(places[-1] - _height(labels[-1]) / 2, 0)


def _draw_row(axes: Axes, place: float, row: ErrorRow, mark: Mark) -> None:
    finite = [value for value in row.values if math.isfinite(value)]
    if row.low is not None and row.high is not None:
        axes.plot([row.low, row.high], [place, place], color=mark.color, linewidth=3, alpha=0.35, solid_capstyle="butt")
    face = "none" if row.baseline else mark.color
    axes.plot(finite, [place] * len(finite), mark.marker, color=mark.color, markerfacecolor=face,
              markersize=mark.size(3.5), markeredgewidth=0.7, alpha=0.85, clip_on=False)  # fmt: skip
    if row.mean is not None and math.isfinite(row.mean):
        half = 0.055
        axes.plot([row.mean, row.mean], [place - half, place + half], color="#000000", linewidth=1.2, zorder=4)
    lost = len(row.values) - len(finite)
    if lost or not row.values:
        text = f"{lost} of {len(row.values)} diverged" if lost else "no training"
        axes.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), ha="left", va="center", fontsize=7,
                      color=GRAY)  # fmt: skip
