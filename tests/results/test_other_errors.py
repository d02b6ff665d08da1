from __future__ import annotations

import numpy as np
import pytest

from potbench.results.other_errors import error_of_differences, vector_errors


def test_differences_of_energies_are_to_the_lowest_frame_of_the_molecule() -> None:
    predictions = {
        "energy": np.array([2.0, 1.0, 5.0, 7.0, 3.0]),
        "energy_error": np.array([0.5, 0.1, 9.0, 8.0, np.nan]),
        "molecule": np.array([0, 0, 1, 1, 0]),
    }
    assert error_of_differences(predictions) == pytest.approx((0.4 + 1.0) / 2)
    predictions["energy_error"] += np.array([3.0, 3.0, -7.0, -7.0, 0.0])
    assert error_of_differences(predictions) == pytest.approx((0.4 + 1.0) / 2)


def test_molecules_of_one_frame_have_no_differences() -> None:
    one = {"energy": np.array([1.0, 2.0]), "energy_error": np.array([0.1, 0.2]), "molecule": np.array([0, 1])}
    assert np.isnan(error_of_differences(one))


def test_forces_are_compared_by_magnitude_and_angle_and_small_ones_have_no_direction() -> None:
    true = np.array([[1.0, 0, 0], [0, 2.0, 0], [1e-3, 0, 0], [np.nan, 0, 0]])
    predicted = np.array([[1.0, 1.0, 0], [0, 2.5, 0], [-1e-3, 0, 0], [5.0, 0, 0]])
    found = vector_errors({"forces": true.ravel(), "predicted_forces": predicted.ravel()})
    assert found.magnitude == pytest.approx((np.sqrt(2) - 1 + 0.5 + 0) / 3)
    assert found.angle == pytest.approx((45 + 0) / 2)
    assert found.strong == 2


def test_small_angles_keep_their_digits() -> None:
    angle = 1e-9
    true, predicted = np.array([1.0, 0, 0]), np.array([np.cos(angle), np.sin(angle), 0])
    assert vector_errors({"forces": true, "predicted_forces": predicted}).angle == pytest.approx(np.degrees(angle))


def test_a_force_that_is_predicted_to_be_zero_has_no_direction() -> None:
    true = np.array([[1.0, 0, 0], [0, 1.0, 0], [1e-3, 0, 0]])
    predicted = np.zeros((3, 3))
    found = vector_errors({"forces": true.ravel(), "predicted_forces": predicted.ravel()})
    assert np.isnan(found.angle)
    assert (found.strong, found.directionless) == (2, 2)
    predicted[0] = [1.0, 1.0, 0]
    found = vector_errors({"forces": true.ravel(), "predicted_forces": predicted.ravel()})
    assert found.angle == pytest.approx(45)
    assert (found.strong, found.directionless) == (2, 1)
