"""Atomic energies and norms of forces, by element."""

from __future__ import annotations

import numpy as np
import pytest

from potbench.reporting.sensitivity_figure import draw_sensitivity
from potbench.reporting.style import png
from potbench.units import KCAL_PER_MOL

NUMBERS = np.array([8, 1, 1] * 100)


def energies() -> np.ndarray:
    random = np.random.default_rng(0)
    return np.where(NUMBERS == 8, -2.0, 1.0) * KCAL_PER_MOL + random.normal(0, 1e-4, len(NUMBERS))


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_each_element_has_a_row_with_its_atoms_and_medians_in_units_of_reports():
    forces = np.zeros((300, 3))
    forces[:, 0] = np.where(NUMBERS == 8, 3.0, 4.0) * KCAL_PER_MOL
    forces[:, 1] = forces[:, 0] * 4 / 3
    figure = draw_sensitivity(NUMBERS, energies(), forces, forces, "sample")
    left, right = figure.axes
    assert [label.get_text() for label in left.get_yticklabels()] == ["H (200)", "O (100)"]
    assert texts(left) == ["median 1.00", "median −2.00"]
    assert texts(right) == ["median 6.67", "median 5.00"]  # of norms, not of components
    assert "kcal/mol" in left.get_xlabel()
    assert "kcal/mol/Å" in right.get_xlabel()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("num_atoms", [1, 300])
def test_few_atoms_values_that_are_not_finite_and_unknown_forces_are_drawn(num_atoms):
    numbers, atomic = NUMBERS[:num_atoms], energies()[:num_atoms]
    atomic[0] = np.nan
    forces = np.ones((num_atoms, 3))
    for true in (None, np.full_like(forces, np.nan)):
        figure = draw_sensitivity(numbers, atomic, forces, true)
        assert len(figure.axes) == 2
        assert png(figure).startswith(b"\x89PNG")


def test_without_forces_there_are_energies_alone_and_another_property_keeps_its_unit():
    (axes,) = draw_sensitivity(NUMBERS, energies() / KCAL_PER_MOL, energy_unit="D").axes
    assert axes.get_xlabel().endswith("(D)")
    assert texts(axes) == ["median 1.00", "median −2.00"]
