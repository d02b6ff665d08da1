"""A molecule drawn for paper."""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch

from potbench.reporting.marks import legend_below
from potbench.reporting.style import COLUMN, GRAY, style
from potbench.structures import SYMBOLS, FloatArray, IntArray

# the usual colors, light enough for black letters
ELEMENTS = {1: "#F5F5F5", 6: "#B8B8B8", 7: "#9DB8F2", 8: "#F29D94", 9: "#B5E0A0", 15: "#F5B870", 16: "#F0E08A",
            17: "#8FD18F", 35: "#D19A8A"}  # fmt: skip
OTHERS = "#D8C0E8"
REFERENCE, PREDICTED = "#000000", "#D55E00"
BOND = 1.25
"""Atoms nearer than this multiple of the sum of their covalent radii are bonded."""


def draw_structure(
    atomic_numbers: IntArray, positions: FloatArray, forces: FloatArray | None, predicted: FloatArray | None
) -> Figure:
    """Draw a molecule from the side on which it is widest, perhaps with its forces as arrows.

    Args:
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3), in Å.
        forces: shape (atoms, 3), in any unit; None for none.
        predicted: shape (atoms, 3), in the same unit; None for none.
    """
    view = _view(positions)
    places = (positions - positions.mean(0)) @ view
    radii = 0.45 * covalent_radii[atomic_numbers]
    arrows = {color: _project(vectors, view) for color, vectors in ((REFERENCE, forces), (PREDICTED, predicted))
              if vectors is not None}  # fmt: skip
    # the longest of all arrows is as long as a bond, so that both kinds can be compared
    longest = max((np.linalg.norm(each, axis=1).max() for each in arrows.values()), default=0.0)
    with style():
        low, high = (places[:, :2] - radii[:, None]).min(0) - 0.3, (places[:, :2] + radii[:, None]).max(0) + 0.3
        for vectors in arrows.values():
            tips = places[:, :2] + vectors[:, :2] * (1.4 / longest if longest else 0)
            low, high = np.minimum(low, tips.min(0) - 0.15), np.maximum(high, tips.max(0) + 0.15)
        width, height = high - low
        tall = float(np.clip(COLUMN * height / width, 1.2, COLUMN)) + 0.3 * bool(arrows)
        figure = Figure(figsize=(COLUMN, tall), layout="constrained")
        axes = figure.subplots()
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        axes.set_axis_off()
        _draw_bonds(axes, atomic_numbers, positions, places)
        _draw_atoms(axes, atomic_numbers, places, radii)
        for color, vectors in arrows.items():
            if longest:
                _draw_arrows(axes, places, 1.4 * vectors / longest, color)
        if arrows:
            words = {REFERENCE: "reference force", PREDICTED: "predicted force"}
            legend_below(figure, [Line2D([], [], color=color, label=words[color]) for color in arrows], COLUMN)
    return figure


def _view(positions: FloatArray) -> FloatArray:
    """Return the principal axes of a molecule as columns, the widest first, right-handed and of fixed sign."""
    centered = positions - positions.mean(0)
    _, axes = np.linalg.eigh(centered.T @ centered)
    axes = axes[:, ::-1]
    # each axis points to where its largest component is positive, so that one structure has one drawing
    axes = axes * np.where(axes[np.abs(axes).argmax(0), range(3)] < 0, -1.0, 1.0)
    axes[:, 2] *= np.linalg.det(axes)
    return np.asarray(axes, dtype=np.float64)


def _project(vectors: FloatArray, view: FloatArray) -> FloatArray:
    finite = np.nan_to_num(np.asarray(vectors, dtype=np.float64), posinf=0, neginf=0)
    return np.asarray(finite @ view)


def _draw_bonds(axes: Axes, atomic_numbers: IntArray, positions: FloatArray, places: FloatArray) -> None:
    distances = np.linalg.norm(positions[:, None] - positions, axis=2)
    reach = BOND * (covalent_radii[atomic_numbers][:, None] + covalent_radii[atomic_numbers])
    for first, second in np.argwhere(np.triu(distances < reach, 1)):
        pair = places[[first, second]]
        axes.plot(pair[:, 0], pair[:, 1], color=GRAY, linewidth=2.5, zorder=pair[:, 2].min(), solid_capstyle="round")


def _draw_atoms(axes: Axes, atomic_numbers: IntArray, places: FloatArray, radii: FloatArray) -> None:
    for number, place, radius in zip(atomic_numbers.tolist(), places, radii, strict=True):
        fill = ELEMENTS.get(number, OTHERS)
        axes.add_patch(
            Circle(place[:2], radius, facecolor=fill, edgecolor="#4D4D4D", linewidth=0.6, zorder=place[2] + 0.1)
        )
        if number != 1:
            axes.text(place[0], place[1], SYMBOLS[number], ha="center", va="center", fontsize=7, zorder=place[2] + 0.2,
                      color="#1A1A1A")  # fmt: skip


def _draw_arrows(axes: Axes, places: FloatArray, vectors: FloatArray, color: str) -> None:
    above = places[:, 2].max() + 1
    for place, vector in zip(places, vectors, strict=True):
        if np.linalg.norm(vector[:2]) > 0.05:
            arrow = FancyArrowPatch(place[:2], place[:2] + vector[:2], arrowstyle="-|>", mutation_scale=6, shrinkA=0,
                                    shrinkB=0, color=color, linewidth=1.0, zorder=above)  # fmt: skip
            axes.add_patch(arrow)
