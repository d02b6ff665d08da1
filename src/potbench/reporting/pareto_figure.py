"""Errors against costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from potbench.reporting.marks import Mark, Marks, legend_below, legend_height, marks_for, wrapped
from potbench.reporting.style import COLUMN, GRAY, TWO_COLUMNS, label_log, log_limits, style

State = Literal["front", "ambiguous", "dominated"]
WORDS: dict[State, str] = {"front": "on the front", "ambiguous": "may be on it", "dominated": "dominated"}
LEFT_HALF: dict[State, Literal["full", "left"]] = {"front": "full", "ambiguous": "left", "dominated": "full"}


class CostShown(NamedTuple):
    """What an architecture costs.

    Attributes:
        value: in the unit of its panel.
        low: lower end of its interval or range; None for none.
        high: upper end.
    """

    value: float
    low: float | None = None
    high: float | None = None


class ParetoPoint(NamedTuple):
    """One potential: its error and its costs.

    Attributes:
        label: what it is.
        family: architecture of which it is a size; those of one family are joined by a line.
        error: mean over its trainings.
        error_low: lower end of its interval; None for none.
        error_high: upper end.
        costs: title of the panel, with unit → cost.
        baseline: whether it is one: its error is drawn as a floor.
        state: whether another is better in error and cost.
        published: whether the numbers are those of a publication; drawn hollow.
    """

    label: str
    family: str
    error: float
    error_low: float | None
    error_high: float | None
    costs: dict[str, CostShown]
    baseline: bool
    state: State
    published: bool = False


def draw_pareto(points: Sequence[ParetoPoint], error_name: str, error_unit: str, marks: Marks | None = None) -> Figure:
    """Draw errors against costs, a panel for each cost, both logarithmic.

    Args:
        points: with positive errors and costs; others are left out.
        error_name: such as "Forces MAE".
        error_unit: of the errors.
        marks: of the families on the page.
    """
    titles = list(dict.fromkeys(title for point in points for title in point.costs))
    found = marks_for([point.family for point in points], marks)
    columns = 1 if len(titles) == 1 else 2
    width, rows = (COLUMN if columns == 1 else TWO_COLUMNS), max(1, -(-len(titles) // columns))
    handles = _legend(points, found)
    legend = legend_height([str(handle.get_label()) for handle in handles], width)
    with style():
        figure = Figure(figsize=(width, 0.2 + 2.1 * rows + legend), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for axes in panels.flat[len(titles) :]:
            axes.set_visible(False)
        for axes, title in zip(panels.flat, titles, strict=False):
            _draw(axes, [point for point in points if _drawable(point, title)], title, found)
        drawn = [point for point in points if any(_drawable(point, title) for title in titles)]
        if drawn:
            ends = [number for point in drawn for number in (point.error, point.error_low, point.error_high)]
            panels[0, 0].set_ylim(_limits(ends))
            label_log(panels[0, 0].yaxis)
        for axes in panels[:, 0]:
            axes.set_ylabel(f"{error_name} ({error_unit})")
        legend_below(figure, handles, width)
    return figure


def _drawable(point: ParetoPoint, title: str) -> bool:
    return title in point.costs and all(0 < number < math.inf for number in (point.error, point.costs[title].value))


def _draw(axes: Axes, points: Sequence[ParetoPoint], title: str, marks: Marks) -> None:
    axes.set(xscale="log", yscale="log", xlabel=title)
    if not points:
        return
    for point in points:
        cost, mark = point.costs[title], marks[point.family]
        if point.baseline:
            axes.axhline(point.error, color=GRAY, linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
        bars: dict[str, Any] = {"color": mark.color, "linewidth": 0.7, "zorder": 2}
        if point.error_low is not None and point.error_high is not None:
            axes.plot([cost.value] * 2, [point.error_low, point.error_high], **bars)
        if cost.low is not None and cost.high is not None:
            axes.plot([cost.low, cost.high], [point.error] * 2, **bars)
        axes.plot(cost.value, point.error, zorder=3, **_look(point.state, point.published, mark))
    for family in dict.fromkeys(point.family for point in points):
        line = sorted((point.costs[title].value, point.error) for point in points if point.family == family)
        if len(line) > 1:
            axes.plot(*zip(*line, strict=True), color=marks[family].color, linewidth=0.6, zorder=1)
    _annotate(axes, points, title)
    axes.set_xlim(_limits([number for point in points for number in point.costs[title]]))
    label_log(axes.xaxis)


def _limits(numbers: Sequence[float | None]) -> tuple[float, float]:
    shown = [number for number in numbers if number is not None and 0 < number < math.inf]
    margin = max(1.1, (max(shown) / min(shown)) ** 0.08)
    return log_limits(min(shown) / margin, max(shown) * margin)


def _annotate(axes: Axes, points: Sequence[ParetoPoint], title: str) -> None:
    """Name the sizes of a family beside their points, by what their names add to that of the family."""
    for point in points:
        size = point.label.removeprefix(point.family).strip(" -_,")
        if size != point.label and 0 < len(size) <= 8:
            place = (point.costs[title].value, point.error)
            axes.annotate(size, place, (3, 3), textcoords="offset points", fontsize=6)


def _look(state: State, published: bool, mark: Mark) -> dict[str, Any]:
    look: dict[str, Any] = {
        "marker": mark.marker,
        "linestyle": "",
        "color": mark.color,
        "markersize": mark.size(3.5 if state == "dominated" else 6),
        "markeredgewidth": 0.8,
        "fillstyle": LEFT_HALF[state],
        "markerfacecoloralt": "#FFFFFF",
    }
    if published:
        look |= {"markerfacecolor": "#FFFFFF", "markersize": mark.size(5.5)}
    return look


def _legend(points: Sequence[ParetoPoint], marks: Mapping[str, Mark]) -> list[Line2D]:
    families = {point.family: point.baseline for point in points}
    handles = [
        Line2D([], [], marker=marks[family].marker, color=marks[family].color, linestyle="",
               markersize=marks[family].size(5), label=wrapped(family + " (baseline)" * baseline, 30))
        for family, baseline in families.items()
    ]  # fmt: skip
    plain = Mark(GRAY, "o")
    states = dict.fromkeys(point.state for point in points if not point.published)
    handles += [Line2D([], [], label=WORDS[state], **_look(state, False, plain)) for state in WORDS if state in states]
    if any(point.published for point in points):
        handles.append(Line2D([], [], label="published", **_look("front", True, plain)))
    return handles
