"""How all trainings of a study went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from potbench.reporting.marks import LIGHT_GRAY, Marks, legend_below, marks_for, num_lines, wrapped
from potbench.reporting.style import COLUMN, TWO_COLUMNS, label_log_axis, positive, round_ticks, style
from potbench.structures import FloatArray, IntArray

MOST_POINTS, MOST_BEHIND = 300, 60
"""Of a curve; more would be finer than a printed line."""


class TrainingShown(NamedTuple):
    """One training.

    Attributes:
        label: the architecture.
        steps_or_epochs: shape (points,).
        values: shape (points,), the validation error there.
        diverged: whether the training did.
        best: index of the checkpoint that was tested; None for none.
    """

    label: str
    steps_or_epochs: FloatArray
    values: FloatArray
    diverged: bool
    best: int | None


def draw_trainings(
    curves: Sequence[TrainingShown],
    unit: str,
    axis_label: str = "Epoch",
    name: str = "Validation error",
    marks: Marks | None = None,
) -> Figure:
    """Draw training curves, a panel for each architecture with one training of each other in gray behind it.

    A dot is the checkpoint that was tested, a cross where a training diverged.

    Args:
        curves: each training.
        unit: of the values.
        axis_label: what is counted.
        name: of the values.
        marks: of the architectures on the page.
    """
    labels = list(dict.fromkeys(curve.label for curve in curves))
    found = marks_for(labels, marks)
    columns = 1 if len(labels) <= 1 else 2 if len(labels) in {2, 4} else 3
    width, rows = (COLUMN if columns == 1 else TWO_COLUMNS), max(1, -(-len(labels) // columns))
    firsts = {label: next(curve for curve in curves if curve.label == label) for label in labels}
    titles = [wrapped(label, 34) for label in labels]
    lines = max(map(num_lines, titles), default=1)
    handles = [Line2D([], [], color="#000000", marker="o", linestyle="", label="best checkpoint, which is tested")]
    if any(curve.diverged for curve in curves):
        handles.append(Line2D([], [], color="#000000", marker="x", markersize=5, linestyle="--", label="diverged"))
    with style():
        figure = Figure(figsize=(width, 0.55 + (1.35 + 0.12 * lines) * rows), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(labels) :]:
            axes.set_visible(False)
        for axes, label, title in zip(panels.flat, labels, titles, strict=False):
            axes.set_yscale("log")
            axes.set_title(title, fontsize=7)
            for other in (first for other, first in firsts.items() if other != label):
                shown = _thin(len(other.values), MOST_BEHIND)
                axes.plot(*_points(other, shown), color=LIGHT_GRAY, linewidth=0.5, zorder=1)
            for curve in (curve for curve in curves if curve.label == label):
                _draw(axes, curve, found[label].color)
        label_log_axis(panels[0, 0])
        panels[0, 0].xaxis.set_major_locator(round_ticks())
        for axes in panels.flat[max(0, len(labels) - columns) : len(labels)]:
            axes.set_xlabel(axis_label)
            axes.tick_params(labelbottom=True)
        for axes in panels[:, 0]:
            axes.set_ylabel(f"{name}\n({unit})")
        legend_below(figure, handles, width)
    return figure


def _draw(axes: Axes, curve: TrainingShown, color: str) -> None:
    shown = _thin(len(curve.values), MOST_POINTS)
    axes.plot(*_points(curve, shown), color=color, linestyle="--" if curve.diverged else "-", linewidth=0.8)
    if curve.best is not None:
        axes.plot(*_points(curve, [curve.best]), "o", color=color, zorder=3)
    finite = np.flatnonzero(np.isfinite(positive(curve.values)))
    if curve.diverged and len(finite):
        axes.plot(*_points(curve, finite[-1:]), "x", color="#000000", markersize=5, zorder=4)


def _points(curve: TrainingShown, indices: Sequence[int] | IntArray) -> tuple[FloatArray, FloatArray]:
    return np.asarray(curve.steps_or_epochs)[indices], positive(curve.values)[indices]


def _thin(num_points: int, most: int) -> IntArray:
    """Return indices of evenly spaced points, the first and the last among them."""
    return np.unique(np.linspace(0, num_points - 1, min(num_points, most)).round().astype(np.int64))
