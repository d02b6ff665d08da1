import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.calculators.emt import EMT

from potbench.errors import GenerationError
from potbench.generation.normal_modes import (
    NormalModes,
    draw_positions,
    hessian,
    normal_modes,
    optimize,
    rigid_motions,
)
from potbench.units import BOLTZMANN

TEMPERATURE = 500.0


def with_emt(name: str) -> Atoms:
    atoms = molecule(name)
    atoms.calc = EMT()
    return atoms


def springs(positions: np.ndarray, stiffness: float) -> np.ndarray:
    """Second derivatives of Σ ½ k (|xᵢ − xⱼ| − dᵢⱼ)² at its minimum, worked out by hand."""
    matrix = np.zeros((len(positions), 3, len(positions), 3))
    for i, j in zip(*np.triu_indices(len(positions), 1), strict=True):
        axis = (positions[i] - positions[j]) / np.linalg.norm(positions[i] - positions[j])
        block = stiffness * np.outer(axis, axis)
        for a, b, sign in ((i, i, 1), (j, j, 1), (i, j, -1), (j, i, -1)):
            matrix[a, :, b, :] += sign * block
    return matrix.reshape(3 * len(positions), -1)


@pytest.fixture(scope="module", params=["H2O", "NH3", "CH4"])
def minimum(request: pytest.FixtureRequest) -> tuple[Atoms, NormalModes, np.ndarray]:
    atoms = molecule(request.param)
    matrix = springs(atoms.positions, 10.0)
    return atoms, normal_modes(atoms.positions, atoms.get_masses(), matrix), matrix


def draws(modes: NormalModes, count: int = 200) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [draw_positions(modes, TEMPERATURE, rng) - modes.positions for _ in range(count)]


def test_optimized_forces_vanish_and_the_given_atoms_stay():
    atoms = with_emt("NH3")
    before = atoms.positions.copy()
    moved = atoms.copy()
    moved.calc = EMT()
    moved.positions = optimize(atoms, largest_force=0.01)
    assert np.linalg.norm(moved.get_forces(), axis=1).max() < 0.01
    assert np.array_equal(atoms.positions, before)


def test_optimisation_that_does_not_end_says_so():
    with pytest.raises(GenerationError, match=r"not at a minimum after 1 steps.*Expected less than 1e-09 eV/Å.*Start"):
        optimize(with_emt("NH3"), largest_force=1e-9, steps=1)


def test_hessian_is_the_second_derivative_of_the_energy():
    atoms = with_emt("NH3")
    direction = np.random.default_rng(0).normal(size=(len(atoms), 3))
    direction /= np.linalg.norm(direction)
    energies = []
    for step in (-0.01, 0, 0.01):
        moved = atoms.copy()
        moved.calc = EMT()
        moved.positions += step * direction
        energies.append(moved.get_potential_energy())
    curvature = (energies[0] - 2 * energies[1] + energies[2]) / 0.01**2
    found = direction.ravel() @ hessian(atoms) @ direction.ravel()
    assert found == pytest.approx(curvature, rel=1e-3)


@pytest.mark.parametrize(("name", "expected"), [("H2O", 6), ("CO2", 5), ("C2H2", 5), ("CH4", 6), ("H", 3)])
def test_linear_molecules_have_one_rotation_less(name: str, expected: int):
    atoms = molecule(name)
    motions = rigid_motions(atoms.positions, atoms.get_masses())
    assert len(motions) == expected
    assert motions @ motions.T == pytest.approx(np.eye(expected), abs=1e-12)


def test_wavenumber_of_a_diatomic_is_that_of_its_reduced_mass():
    # ν̃ = √(k / μ) / 2πc; 1 eV/Å² = 16.0218 N/m
    atoms = molecule("N2")
    modes = normal_modes(atoms.positions, atoms.get_masses(), springs(atoms.positions, 100.0))
    reduced_mass = 14.007 / 2 * 1.66053907e-27
    expected = np.sqrt(100 * 16.02176634 / reduced_mass) / (2 * np.pi * 2.99792458e10)
    assert modes.wavenumbers == pytest.approx([expected], rel=1e-5)
    # both atoms move by 1/√2: the bond grows by √2, and ½ k (√2)² = k
    assert modes.force_constants == pytest.approx([200.0])


def test_a_saddle_point_is_refused():
    atoms = molecule("H2O")
    with pytest.raises(GenerationError, match=r"falls along a mode of \d+i cm⁻¹.*Expected a minimum.*Move the atoms"):
        normal_modes(atoms.positions, atoms.get_masses(), -springs(atoms.positions, 10.0))


def test_the_energy_of_a_draw_is_the_sum_over_its_modes(minimum):
    _, modes, matrix = minimum
    directions = modes.displacements.reshape(len(modes.force_constants), -1)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(1)
    assert directions @ matrix @ directions.T == pytest.approx(np.diag(modes.force_constants), abs=1e-9)


def test_harmonic_energy_is_never_above_its_bound(minimum):
    atoms, modes, matrix = minimum
    bound = 1.5 * len(atoms) * BOLTZMANN * TEMPERATURE
    energies = np.array([0.5 * d.ravel() @ matrix @ d.ravel() for d in draws(modes)])
    assert (energies > 0).all()
    assert (energies <= bound * (1 + 1e-9)).all()
    assert energies.max() > 0.9 * bound
    assert energies.mean() == pytest.approx(bound / 2, rel=0.15)


def test_draws_neither_shift_nor_rotate_the_molecule(minimum):
    atoms, modes, _ = minimum
    masses = atoms.get_masses()[:, None]
    for displacement in draws(modes):
        assert (masses * displacement).sum(0) == pytest.approx(0, abs=1e-12)
        assert (masses * np.cross(atoms.positions, displacement)).sum(0) == pytest.approx(0, abs=1e-12)


def test_both_directions_of_a_mode_are_drawn(minimum):
    _, modes, _ = minimum
    along = np.einsum("dax,max->dm", draws(modes), modes.displacements)
    assert np.abs(np.sign(along).mean(axis=0)).max() < 0.4


def test_same_random_numbers_same_positions(minimum):
    _, modes, _ = minimum
    assert np.array_equal(draws(modes, 5), draws(modes, 5))
