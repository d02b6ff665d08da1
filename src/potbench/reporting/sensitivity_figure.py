"""How a potential divides the energy among atoms, and how steep it is along each of them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from potbench.reporting.marks import COLORS, legend_below
from potbench.reporting.rounding import three_digits
from potbench.reporting.style import TWO_COLUMNS, add_heading, limits, round_ticks, style
from potbench.structures import SYMBOLS, FloatArray, IntArray
from potbench.units import KCAL_PER_MOL, reported

HEIGHT = 0.85
"""Of a histogram, in distances between two rows."""


def draw_sensitivity(
    atomic_numbers: IntArray,
    atomic_energies: FloatArray,
    predicted_forces: FloatArray | None = None,
    forces: FloatArray | None = None,
    about: str = "",
    energy_unit: str = "eV",
) -> Figure:
    """Draw, for each element, histograms of atomic energies and of |∂E/∂r|, the norm of an atom's force.

    Args:
        atomic_numbers: shape (atoms,).
        atomic_energies: shape (atoms,), in eV, reference energies not included.
        predicted_forces: shape (atoms, 3), in eV/Å; None for none.
        forces: shape (atoms, 3), in eV/Å, NaN where unknown; None for none.
        about: names of data and model, and the number of frames, above the figure.
        energy_unit: unit of the energies, if not eV.
    """
    unit, size = reported(energy_unit)
    elements = np.unique(atomic_numbers).tolist()
    labels = [f"{SYMBOLS[number]} ({np.count_nonzero(atomic_numbers == number):,})" for number in elements]
    with style():
        num_panels = 1 if predicted_forces is None else 2
        figure = Figure(figsize=(TWO_COLUMNS * num_panels / 2, 1.0 + 0.6 * len(elements)), layout="constrained")
        panels = figure.subplots(1, num_panels, squeeze=False, sharey=True)[0]
        _draw(panels[0], atomic_numbers, atomic_energies.astype(np.float64) / size, None)
        panels[0].set_xlabel(f"Predicted atomic energy ({unit})")
        panels[0].set_yticks([row + HEIGHT / 2 for row in range(len(elements))], labels)
        panels[0].set_ylim(-0.1, len(elements))
        panels[0].set_ylabel("Element (atoms)")
        if predicted_forces is not None:
            _draw(panels[1], atomic_numbers, _norms(predicted_forces), None if forces is None else _norms(forces))
            panels[1].set_xlabel("|∂E/∂r| of an atom (kcal/mol/Å)")
            panels[1].set_xlim(left=0)
            if forces is not None:
                predicted = Line2D([], [], color="#B0B0B0", linewidth=6, label="predicted")
                legend_below(figure, [predicted, Line2D([], [], color="black", label="true")], TWO_COLUMNS)
        add_heading(figure, about)
    return figure


def _norms(forces: FloatArray) -> FloatArray:
    """Return the norm of the force on each atom, in kcal/mol/Å."""
    norms: FloatArray = np.linalg.norm(forces.astype(np.float64), axis=1) / KCAL_PER_MOL
    return norms


def _draw(axes: Axes, atomic_numbers: IntArray, values: FloatArray, true: FloatArray | None) -> None:
    shown = [each[np.isfinite(each)] for each in (values, true) if each is not None]
    low, high = limits(np.concatenate(shown), reach=6)
    elements = np.unique(atomic_numbers).tolist()
    num_bins = int(np.clip(4 * np.cbrt(len(values) / len(elements)), 9, 120))
    for row, number in enumerate(elements):
        chosen = atomic_numbers == number
        color = COLORS[row % len(COLORS)]
        mine = values[chosen][np.isfinite(values[chosen])]
        counts, edges = _histogram(mine, num_bins, low, high)
        of_true = None if true is None else _histogram(true[chosen], num_bins, low, high)[0]
        highest = max(counts.max(), 0 if of_true is None else of_true.max()) or 1.0
        axes.stairs(row + HEIGHT * counts / highest, edges, baseline=row, fill=True, color=color, alpha=0.55)
        if of_true is not None and of_true.any():
            axes.stairs(row + HEIGHT * of_true / highest, edges, baseline=row, color="black", linewidth=0.6)
        axes.axhline(row, color="#C8C8C8", linewidth=0.5, zorder=0)
        if len(mine):
            median = float(np.median(mine))
            axes.plot([np.clip(median, low, high)] * 2, [row, row + HEIGHT], color=color, linewidth=1.2)
            axes.annotate(
                f"median {three_digits(median)}".replace("-", "−"), (0.99, row + HEIGHT),
                xycoords=("axes fraction", "data"), ha="right", va="top", fontsize=6.5,
            )  # fmt: skip
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(round_ticks())


def _histogram(values: FloatArray, num_bins: int, low: float, high: float) -> tuple[FloatArray, FloatArray]:
    """Return the density of finite values, and the edges of its bins."""
    counts, edges = np.histogram(values[np.isfinite(values)], num_bins, range=(low, high))
    return counts / max(counts.sum(), 1), edges
