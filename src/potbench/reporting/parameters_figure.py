"""How the error of trials depends on each of the settings that were searched."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from potbench.reporting.style import BLUE, ORANGE, TWO_COLUMNS, label_log, label_log_axis, style

COLUMNS = 3
MARKS = {"finished": (BLUE, "o"), "pruned": ("#767676", "x"), "diverged": (ORANGE, "^")}
LONGEST_LABEL = 24
FITS = 24
"""Letters of all labels of an axis that have room beside each other."""


class ParameterShown(NamedTuple):
    """A setting, and what trials had for it.

    Attributes:
        name: of the setting.
        values: of each trial.
        choices: all there were, in their order; None for numbers.
        log: whether numbers are shown on a logarithmic axis.
    """

    name: str
    values: Sequence[float | str]
    choices: Sequence[str] | None
    log: bool


def draw_parameters(
    parameters: Sequence[ParameterShown],
    errors: Sequence[float | None],
    states: Sequence[str],
    name: str,
    unit: str,
) -> Figure:
    """Draw the error of each trial against each setting, one panel each; trials that diverged are at the upper edge.

    Args:
        parameters: settings.
        errors: of each trial; None where there is none.
        states: of each trial: finished, pruned, diverged; others are left out.
        name: of the error.
        unit: of it.
    """
    known = [each for each in errors if each is not None]
    top = max(known, default=1.0) * 1.3
    columns = min(COLUMNS, len(parameters)) if len(parameters) != 4 else 2
    rows = -(-len(parameters) // columns)
    with style():
        figure = Figure(figsize=(TWO_COLUMNS, 2.1 * rows + 0.3), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for panel, parameter in zip(panels.flat, parameters, strict=False):
            for state, (color, marker) in MARKS.items():
                chosen = [number for number, each in enumerate(states) if each == state]
                places = [_place(parameter, number) for number in chosen]
                heights = [top if errors[number] is None else errors[number] for number in chosen]
                panel.plot(places, heights, linestyle="none", color=color, marker=marker, markersize=4, alpha=0.8)
            panel.set(xlabel=_short(parameter.name), yscale="log")
            if parameter.choices is not None:
                labels = [_short(each) for each in parameter.choices]
                panel.set_xticks(range(len(labels)), labels, rotation=0 if len("".join(labels)) <= FITS else 20)
                panel.set_xlim(-0.5, len(labels) - 0.5)
            elif parameter.log:
                panel.set_xscale("log")
                label_log(panel.xaxis)
            label_log_axis(panel)
        for panel in panels.flat[len(parameters) :]:
            panel.set_visible(False)
        for row in panels:
            row[0].set_ylabel(f"{name} ({unit})" if unit else name)
        present = [state for state in MARKS if state in states]
        handles = [
            Line2D([], [], linestyle="none", color=MARKS[state][0], marker=MARKS[state][1], markersize=4, label=state)
            for state in present
        ]
        figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
    return figure


def _place(parameter: ParameterShown, number: int) -> float:
    value = parameter.values[number]
    if parameter.choices is None:
        return float(value)
    # trials of the same choice side by side, so that none hides another
    same = [other for other, each in enumerate(parameter.values) if each == value]
    offset = np.linspace(-0.15, 0.15, len(same))[same.index(number)] if len(same) > 1 else 0.0
    return list(parameter.choices).index(str(value)) + float(offset)


def _short(text: str) -> str:
    """Return the end of a long key or path."""
    text = PurePath(text).stem if text.endswith((".yaml", ".yml")) else text
    return text if len(text) <= LONGEST_LABEL else f"…{text[-LONGEST_LABEL + 1 :]}"
