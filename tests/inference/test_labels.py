from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator

from potbench.inference.labels import errors, with_predictions
from potbench.structures import Frames


def labelled(name: str, energy: float) -> Atoms:
    atoms = molecule(name)
    atoms.calc = SinglePointCalculator(atoms, energy=energy, forces=np.ones((len(atoms), 3)))
    return atoms


def prediction(atoms: Atoms, energy: float, force: float) -> Frames:
    return Frames("", atoms.numbers, atoms.positions[None], np.array([energy]), np.full((1, len(atoms), 3), force))


def test_all_that_a_structure_says_is_kept_and_its_labels_beside_the_predictions() -> None:
    atoms = labelled("H2O", -5.0)
    atoms.info |= {"name": "water", "charge": 1}
    atoms.arrays["spin"] = np.array([0.1, 0.2, 0.3])
    (found,) = with_predictions([atoms], [prediction(atoms, -4.0, 3.0)])
    assert found.info == {"name": "water", "charge": 1, "reference_energy": -5.0}
    assert found.arrays["spin"].tolist() == [0.1, 0.2, 0.3]
    assert found.arrays["reference_forces"].tolist() == np.ones((3, 3)).tolist()
    assert found.get_potential_energy() == -4.0
    assert (found.get_forces() == 3.0).all()
    assert "reference_energy" not in atoms.info


def test_labels_are_columns_by_their_names_not_by_their_lengths() -> None:
    atoms = labelled("H2O", -5.0)
    atoms.calc.results |= {"dipole": np.array([1.0, 2.0, 3.0]), "magmoms": np.zeros(3), "stress": np.eye(3)}
    (found,) = with_predictions([atoms], [prediction(atoms, -4.0, 3.0)])
    assert found.info["reference_dipole"].tolist() == [1.0, 2.0, 3.0]
    assert found.info["reference_stress"].shape == (3, 3)
    assert {"reference_forces", "reference_magmoms"} <= set(found.arrays)
    assert not {"reference_dipole", "reference_stress"} & set(found.arrays)


def test_errors_are_means_over_the_structures_that_have_labels() -> None:
    structures = [labelled("H2O", -5.0), molecule("CH4"), labelled("CH4", -7.0)]
    predicted = [prediction(atoms, -4.0, 3.0) for atoms in structures]
    found = errors(with_predictions(structures, predicted))
    assert (found.energy, found.forces) == (2.0, 2.0)
    assert (found.num_energies, found.num_forces) == (2, 2)


def test_labels_that_are_no_numbers_are_not_known() -> None:
    structures = [labelled("H2O", -5.0), labelled("H2O", np.nan), labelled("CH4", -7.0)]
    structures[2].calc.results["forces"][1, 0] = np.nan
    found = errors(with_predictions(structures, [prediction(atoms, -4.0, 3.0) for atoms in structures]))
    assert (found.energy, found.forces) == (2.0, 2.0)
    assert (found.num_energies, found.num_forces) == (2, 2)


def test_without_labels_there_are_no_errors() -> None:
    atoms = molecule("H2O")
    found = errors(with_predictions([atoms], [prediction(atoms, -4.0, 3.0)]))
    assert (found.num_energies, found.num_forces) == (0, 0)
    assert np.isnan(found.energy)


def test_a_reference_that_is_there_is_not_replaced_by_an_earlier_prediction() -> None:
    atoms = labelled("H2O", -5.0)
    (once,) = with_predictions([atoms], [prediction(atoms, -4.0, 3.0)])
    (twice,) = with_predictions([once], [prediction(atoms, -4.5, 3.0)])
    assert twice.info["reference_energy"] == -5.0
    assert errors([twice]).energy == pytest.approx(0.5)
    assert twice.info["earlier_energy"] == -4.0
    assert (twice.arrays["earlier_forces"] == 3.0).all()
    assert errors([twice]).num_earlier == 1
    (again,) = with_predictions([twice], [prediction(atoms, -4.5, 3.0)])
    assert again.info["earlier_earlier_energy"] == -4.5
    assert again.info["earlier_energy"] == -4.0


def test_labels_that_stand_in_two_places_are_those_of_one() -> None:
    atoms = labelled("H2O", -5.0)
    atoms.info["reference_energy"] = -5.0
    (found,) = with_predictions([atoms], [prediction(atoms, -4.0, 3.0)])
    assert found.info == {"reference_energy": -5.0}
    assert errors([found]).num_earlier == 0


def test_columns_that_are_named_as_predictions_are_told_from_them() -> None:
    atoms = molecule("H2O")
    atoms.info |= {"energy_spread": 0.3, "new_composition": "yes"}
    atoms.arrays["extrapolation"] = np.ones(3)
    (found,) = with_predictions([atoms], [prediction(atoms, -4.0, 3.0)])
    assert found.info == {"reference_energy_spread": 0.3, "reference_new_composition": "yes"}
    assert found.arrays["reference_extrapolation"].tolist() == [1, 1, 1]
    assert "extrapolation" not in found.arrays
