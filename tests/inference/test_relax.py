from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms, FixBondLength

from potbench.errors import SettingError, UnknownMoleculeError
from potbench.inference.relax import Collapsed, Relaxed, relax
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import batch_of
from tests.inference.toy import Springs


def springs() -> Springs:
    return Springs(["H", "C", "O"])


def test_structures_go_to_their_minima() -> None:
    water, hydrogen = molecule("H2O"), Atoms("H2", [[0, 0, 0], [0, 0, 1.3]], info={"name": "hydrogen"})
    before = water.positions.copy()
    first, second = relax(springs(), [water, hydrogen], fmax=1e-4)
    for relaxed in (first, second):
        atoms = relaxed.atoms
        assert relaxed.converged
        assert relaxed.largest_force < 1e-4
        assert relaxed.after == atoms.get_potential_energy() < relaxed.before
        assert atoms.get_forces() == pytest.approx(springs().predict(atoms).forces)
        assert atoms.get_distance(0, 1) == pytest.approx(Springs.length, abs=1e-4)
        assert relaxed.extrapolated is None
    assert second.atoms.info["name"] == "hydrogen"
    assert second.before == pytest.approx(Springs.stiffness / 2 * 0.3**2)
    assert np.array_equal(water.positions, before)


def test_a_search_that_ends_too_early_says_so() -> None:
    (found,) = relax(springs(), [molecule("CH3OH")], fmax=1e-6, steps=2)
    assert not found.converged
    assert found.steps == 2
    assert found.largest_force > 1e-6


def test_a_minimum_outside_of_the_training_set_is_seen() -> None:
    potential = springs()
    far, near = Atoms("H2", [[0, 0, 0], [0, 0, 1.5]]), Atoms("H2", [[0, 0, 0], [0, 0, 1.0]])
    for trained_on, expected in ((far, True), (near, False)):
        potential.trained_on = TrainedEnvironments.of([batch_of([trained_on] * 2)], [1, 6, 8])
        (found,) = relax(potential, [far], fmax=1e-3)
        assert found.extrapolated is expected


def test_settings_and_structures_that_cannot_work_are_refused() -> None:
    with pytest.raises(SettingError, match="fmax"):
        next(relax(springs(), [molecule("H2O")], fmax=0))
    with pytest.raises(UnknownMoleculeError, match="Si"):
        next(relax(springs(), [molecule("SiH4")]))


def test_atoms_that_are_fixed_stay_where_they_are() -> None:
    water = molecule("H2O")
    water.set_constraint(FixAtoms([0, 1]))
    (found,) = relax(springs(), [water], fmax=1e-4)
    assert found.converged
    assert np.array_equal(found.atoms.positions[:2], water.positions[:2])
    assert found.after < found.before
    # what is kept are the forces of the potential, those on fixed atoms included
    assert found.atoms.calc.results["forces"] == pytest.approx(springs().predict(found.atoms).forces)


def test_other_constraints_are_refused() -> None:
    water = molecule("H2O")
    water.set_constraint(FixBondLength(0, 1))
    with pytest.raises(UnknownMoleculeError, match="Structure 1 has constraints of the kind FixBondLengths"):
        next(relax(springs(), [molecule("H2O"), water]))


def test_what_cannot_be_relaxed_is_refused_by_its_number_before_anything_is_relaxed() -> None:
    with pytest.raises(UnknownMoleculeError, match="Structure 1: The potential does not know He"):
        next(relax(springs(), [molecule("H2O"), Atoms("He")]))


class Stiff(Springs):
    """The springs of hydrogen are too strong for any number."""

    def atomic_energies(self, batch, element):
        wild = (batch.atomic_numbers == 1).to(batch.positions.dtype)
        return super().atomic_energies(batch, element) * (1 + 1e155 * wild)


def test_a_structure_that_collapses_does_not_take_others_with_it() -> None:
    hydrogen, oxygen = (Atoms(pair, [[0, 0, 0], [0, 0, 1.3]]) for pair in ("H2", "O2"))
    before, collapsed, after = relax(Stiff(["H", "C", "O"]), [oxygen, hydrogen, oxygen])
    assert isinstance(collapsed, Collapsed)
    assert collapsed.reason.startswith("H2 collapses while it is relaxed, at step 1: forces grow without bound. Exp")
    for found in (before, after):
        assert isinstance(found, Relaxed)
        assert found.converged


def test_atoms_that_fall_into_each_other_are_a_collapse_and_not_a_wrong_structure() -> None:
    potential = springs()
    potential.length = 0.0
    (found,) = relax(potential, [Atoms("H2", [[0, 0, 0], [0, 0, 1.0]])])
    assert isinstance(found, Collapsed)
    assert "H2 collapses while it is relaxed, at step" in found.reason
    assert "in one place" in found.reason
