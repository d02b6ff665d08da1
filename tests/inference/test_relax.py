from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.constraints import FixAtoms

from potbench.errors import SettingError, UnknownMoleculeError
from potbench.inference.relax import relax
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import batch_of
from tests.inference.toy import Springs


def springs() -> Springs:
    return Springs(["H", "C", "O"])


def test_structures_go_to_their_minima() -> None:
    water, hydrogen = molecule("H2O"), Atoms("H2", [[0, 0, 0], [0, 0, 1.3]], info={"name": "hydrogen"})
    water.set_constraint(FixAtoms([0, 1, 2]))
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


def test_forces_that_grow_without_bound_are_refused_in_words() -> None:
    potential = springs()
    potential.stiffness = 1e155
    with pytest.raises(UnknownMoleculeError, match="H2 collapses while it is relaxed"):
        next(relax(potential, [Atoms("H2", [[0, 0, 0], [0, 0, 1.3]])]))
