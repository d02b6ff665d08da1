"""Whether the spread of an ensemble tells how wrong it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from potbench.reporting.rounding import three_digits
from potbench.reporting.style import BLUE, ORANGE, TWO_COLUMNS, add_heading, label_log, log_limits, positive, style
from potbench.structures import FloatArray

TITLES = {"energy": "energy", "forces": "force components"}


class StateShown(NamedTuple):
    """Spreads beside errors, before or after calibration.

    Attributes:
        spreads: shape (bins,), root mean square of the spreads in each bin.
        errors: shape (bins,), root mean square of the errors.
        nominal: shape (points,), coverage that intervals should have.
        observed: shape (points,), coverage that they have.
        area: between the two.
    """

    spreads: FloatArray
    errors: FloatArray
    nominal: FloatArray
    observed: FloatArray
    area: float


class CalibrationShown(NamedTuple):
    """One property.

    Attributes:
        name: of the property.
        unit: of errors and spreads.
        values: how many.
        before: with the standard deviation of the members itself.
        after: calibrated; None where it is not.
    """

    name: str
    unit: str
    values: int
    before: StateShown
    after: StateShown | None


def draw_calibration(shown: Sequence[CalibrationShown], about: str = "") -> Figure:
    """Draw a row for each property: left errors against spreads in bins, right the coverage of intervals.

    Args:
        shown: each property.
        about: names of data and model, and the number of frames, above the figure.
    """
    with style():
        figure = Figure(figsize=(TWO_COLUMNS, 0.4 + 2.9 * len(shown)), layout="constrained")
        rows = figure.subplots(len(shown), 2, squeeze=False)
        for (errors, coverage), each in zip(rows, shown, strict=True):
            states = {"before": (each.before, ORANGE, "s")}
            if each.after is not None:
                states["calibrated"] = (each.after, BLUE, "o")
            _draw_errors(errors, each, states)
            _draw_coverage(coverage, each, states)
        add_heading(figure, about)
    return figure


def _draw_errors(axes: Axes, shown: CalibrationShown, states: dict[str, tuple[StateShown, str, str]]) -> None:
    everything = [positive(values) for state, _, _ in states.values() for values in (state.spreads, state.errors)]
    finite = np.concatenate(everything)
    finite = finite[np.isfinite(finite)]
    low, high = log_limits(finite.min() / 1.3, finite.max() * 1.3) if len(finite) else (0.1, 1.0)
    axes.plot((low, high), (low, high), color="black", linewidth=0.6, linestyle="--")
    for name, (state, color, marker) in states.items():
        axes.plot(positive(state.spreads), positive(state.errors), color=color, marker=marker, label=name)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        label_log(axis)
    axes.set_xlabel(f"RMS spread, {TITLES[shown.name]} ({shown.unit})")
    axes.set_ylabel(f"RMSE ({shown.unit})")
    axes.set_title(f"{shown.values:,} values in {len(shown.before.spreads)} bins by their spread", fontsize=7)
    axes.legend()


def _draw_coverage(axes: Axes, shown: CalibrationShown, states: dict[str, tuple[StateShown, str, str]]) -> None:
    axes.plot((0, 100), (0, 100), color="black", linewidth=0.6, linestyle="--")
    for name, (state, color, _) in states.items():
        label = f"{name}, area {three_digits(state.area)}"
        axes.plot(100 * state.nominal, 100 * state.observed, color=color, label=label)
    axes.set(xlim=(0, 100), ylim=(0, 100), aspect="equal")
    axes.set_xlabel("Interval (%)")
    axes.set_ylabel(f"Errors inside, {TITLES[shown.name]} (%)")
    axes.set_title("Intervals by Student's t", fontsize=7)
    axes.legend()  # where the curves leave room
