"""Lines of an examination: energies, shares and distances, of one molecule or of several architectures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawn
from matplotlib.lines import Line2D

from potbench.reporting.lines import Figure, Line
from potbench.reporting.marks import Marks, legend_below, legend_height, marks_for, num_lines, wrapped
from potbench.reporting.style import COLUMN, GRAY, TWO_COLUMNS, add_heading, round_ticks, style
from potbench.structures import FloatArray


class LinesShown(NamedTuple):
    """The lines of one training.

    Attributes:
        label: the architecture.
        figure: what was found of it.
    """

    label: str
    figure: Figure


def draw_figure(figure: Figure) -> Drawn:
    """Draw the lines of one figure; those that others are compared with are gray."""
    marks = marks_for([line.label for line in figure.lines if not line.reference], None)
    with style():
        handles = [_handle(line, GRAY if line.reference else marks[line.label].color) for line in figure.lines]
        legend = legend_height([str(handle.get_label()) for handle in handles], COLUMN)
        drawn = Drawn(figsize=(COLUMN, 2.3 + legend), layout="constrained")
        axes = drawn.subplots()
        for line in figure.lines:
            _draw(axes, line, GRAY if line.reference else marks[line.label].color)
        _label(axes, figure)
        add_heading(drawn, figure.title)
        legend_below(drawn, handles, COLUMN)
    return drawn


def draw_side_by_side(shown: Sequence[LinesShown], marks: Marks | None = None) -> Drawn:
    """Draw the same lines of several trainings, a panel for each architecture; what they are compared with is gray.

    Args:
        shown: each training; axes are those of the first.
        marks: of the architectures on the page.
    """
    labels = list(dict.fromkeys(each.label for each in shown))
    found = marks_for(labels, marks)
    columns = min(3, len(labels)) if len(labels) != 4 else 2
    width, rows = (COLUMN if columns == 1 else TWO_COLUMNS), -(-len(labels) // columns)
    titles = [wrapped(label, 34) for label in labels]
    with style():
        drawn = Drawn(figsize=(width, 0.4 + (1.45 + 0.12 * max(map(num_lines, titles))) * rows), layout="constrained")
        panels = drawn.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in panels.flat[len(labels) :]:
            axes.set_visible(False)
        for axes, label, title in zip(panels.flat, labels, titles, strict=False):
            axes.set_title(title, fontsize=7)
            for each in (each for each in shown if each.label == label):
                own = [line for line in each.figure.lines if not line.reference]
                for line in each.figure.lines:
                    _draw(axes, line, GRAY if line.reference else found[label].color, dashed=line in own[1:])
        for axes in panels.flat[: len(labels)]:
            _label(axes, shown[0].figure)
            axes.set_ylabel(textwrap.fill(axes.get_ylabel(), 24))
        for axes in panels[:, 1:].flat:
            axes.set_ylabel("")
        for axes in panels.flat[: max(0, len(labels) - columns)]:
            axes.set_xlabel("")
    return drawn


def _draw(axes: Axes, line: Line, color: str, dashed: bool = False) -> None:
    x = np.asarray(line.x, dtype=np.float64)
    axes.plot(x, _numbers(line.y), color=color, linewidth=0.8, linestyle="--" if dashed else "-",
              drawstyle="steps-post" if line.steps else "default", zorder=1 if line.reference else 2)  # fmt: skip
    if line.low and line.high:
        axes.fill_between(x, _numbers(line.low), _numbers(line.high), step="post" if line.steps else None, color=color,
                          alpha=0.15, linewidth=0)  # fmt: skip


def _label(axes: Axes, figure: Figure) -> None:
    axes.set(xlabel=_capital(figure.x_label), ylabel=_capital(figure.y_label))
    axes.xaxis.set_major_locator(round_ticks())
    if all(line.steps for line in figure.lines):
        axes.set_ylim(-0.03, 1.03)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if text[1:2].islower() else text  # h(r) stays


def _handle(line: Line, color: str) -> Line2D:
    return Line2D([], [], color=color, label=wrapped(line.label, 40))


def _numbers(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
