import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.calculator import SCFError

from potbench.generation.pyscf_calculator import PySCF, unpaired_electrons
from potbench.units import HARTREE

pytest.importorskip("pyscf")


@pytest.mark.parametrize(
    ("name", "expected"), [("H", 1), ("C", 2), ("N", 3), ("O", 2), ("H2O", 0), ("CH3", 1), ("O2", 2)]
)
def test_unpaired_electrons_are_those_of_the_ground_state(name: str, expected: int):
    assert unpaired_electrons(molecule(name)) == expected


def test_a_bare_atom_is_in_its_ground_state_without_being_told():
    assert unpaired_electrons(Atoms("N")) == 3


def test_a_charged_molecule_pairs_its_electrons():
    assert unpaired_electrons(Atoms("OH", [[0, 0, 0], [0, 0, 1]], charges=[-1, 0])) == 0


def test_a_free_hydrogen_atom_has_the_energy_that_torchani_ships():
    assert Atoms("H", calculator=PySCF()).get_potential_energy() / HARTREE == pytest.approx(-0.4993212, abs=1e-5)


@pytest.mark.slow
def test_forces_are_the_slope_of_the_energy():
    atoms = Atoms("H2", [[0, 0, 0], [0.1, 0.2, 0.8]], calculator=PySCF())
    forces = atoms.get_forces()
    energies = []
    for step in (0.002, -0.002):
        moved = Atoms("H2", atoms.positions + np.array([[step, 0, 0], [0, 0, 0]]), calculator=PySCF())
        energies.append(moved.get_potential_energy())
    assert forces[0, 0] == pytest.approx((energies[1] - energies[0]) / 0.004, abs=1e-3)
    assert forces.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)


def test_an_energy_that_does_not_converge_is_an_error():
    with pytest.raises(SCFError, match="H2 did not converge"):
        Atoms("H2", [[0, 0, 0], [0, 0, 0.8]], calculator=PySCF(tolerance=0.0)).get_potential_energy()


def test_theory_is_written_as_the_field_writes_it():
    assert PySCF().theory == "ωB97X/6-31G(d), Cartesian d functions, density fitting"
    assert (
        PySCF(xc="PBE", basis="cc-pVDZ", cartesian=False, density_fit=False).theory
        == "PBE/cc-pVDZ, spherical d functions"
    )
