import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error

from potbench.reporting.comparison import compare
from potbench.units import KCAL_PER_MOL, Quantity
from tests.reporting.predictions import make_metrics, make_predictions


def test_compared_energies_are_in_kcal_per_mol_without_the_offset():
    arrays = {name: np.array([value]) for name, value in (("energy", -100.0), ("predicted_energy", -99.0))}
    (energy,) = compare(arrays | {"offset": np.array([-98.0])}, {})
    assert energy.true == pytest.approx(-2 / KCAL_PER_MOL)
    assert energy.predicted == pytest.approx(-1 / KCAL_PER_MOL)


def test_another_property_stays_in_its_unit():
    (dipole,) = compare(make_predictions(5, forces=False), {"energy_mae": Quantity(0.25, "D")}, energy_unit="D")
    assert dipole.unit == "D"
    assert dipole.errors == ["MAE 0.250 D"]


def test_compared_values_have_the_errors_of_the_record():
    arrays = make_predictions(200)
    metrics = make_metrics(arrays)
    for comparison, name in zip(compare(arrays, metrics), ("energy", "forces"), strict=True):
        error = mean_absolute_error(comparison.true, comparison.predicted)
        assert error == pytest.approx(metrics[f"{name}_mae"].value, rel=1e-6)


def test_errors_that_are_not_finite_are_said_to_be_so():
    errors = {"energy_mae": Quantity(None, "kcal/mol"), "energy_r2": Quantity(None, "1")}
    (energy,) = compare(make_predictions(1, forces=False), errors)
    assert energy.errors == ["MAE not finite kcal/mol"]


def test_energies_of_forces_in_single_precision_are_compared_in_double():
    _, force = compare(make_predictions(5), {})
    assert force.true.dtype == force.predicted.dtype == np.float64


def test_residuals_are_those_of_the_finite_predictions():
    arrays = make_predictions(5, forces=False)
    arrays["predicted_energy"][:2] = np.nan, np.inf
    (energy,) = compare(arrays, {})
    assert len(energy.residuals) == 3
    assert energy.unseen(1) == ["1 of 5 outside", "2 of 5 not finite"]
    assert energy.unseen(0) == ["2 of 5 not finite"]
