from __future__ import annotations

import numpy as np
import pytest

from potbench.reporting.worst_frames import NUM_ROWS, worst_frames
from potbench.units import KCAL_PER_MOL


def test_frames_are_sorted_by_their_energy_errors_and_have_their_own_forces() -> None:
    num_atoms = np.array([1, 2, 3])
    forces = np.zeros(18)
    predicted = forces.copy()
    predicted[[1, 5, 17]] = np.array([1.0, -2.0, 3.0]) * KCAL_PER_MOL
    energies = np.array([-10.0, -20.0, -30.0])
    predictions = {
        "frame": np.array([7, 3, 5]),
        "energy": energies,
        "predicted_energy": energies + np.array([1.0, -4.0, 2.0]) * KCAL_PER_MOL,
        "forces": forces,
        "predicted_forces": predicted,
    }
    found = [tuple(row.values()) for row in worst_frames(predictions, ["H", "H2", "H3"], num_atoms)]
    assert found == [
        (3, "H2", 2, -4.0, -2.0, 2.0),
        (5, "H3", 3, 2.0, pytest.approx(2 / 3, rel=1e-3), 3.0),
        (7, "H", 1, 1.0, 1.0, 1.0),
    ]


def test_what_is_not_finite_is_worst_and_the_table_is_short() -> None:
    errors = np.linspace(1, 2, 50)
    errors[10] = np.nan
    predictions = {"frame": np.arange(50), "energy": np.zeros(50), "predicted_energy": errors}
    found = worst_frames(predictions, ["D"] * 50, np.ones(50, int), "D")
    assert [row["frame"] for row in found] == [10, *range(49, 49 - NUM_ROWS + 1, -1)]
    assert found[1]["energy error (D)"] == 2.0
