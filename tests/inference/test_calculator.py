from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from ase import Atoms, units
from ase.build import molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces
from ase.io import Trajectory
from ase.md.verlet import VelocityVerlet
from ase.mep import NEB
from ase.optimize import BFGS
from ase.vibrations import Vibrations

import potbench
from potbench.errors import UnknownMoleculeError
from potbench.potentials import SGDML, Potential
from potbench.potentials.environments import TrainedEnvironments
from potbench.potentials.molecules import batch_of
from potbench.potentials.sgdml_solver import SGDMLSolver
from tests.inference.toy import Springs
from tests.native_files.one_molecule import sample_frames
from tests.runs.small_checkpoint import save, small_checkpoint, small_potential

WATER = molecule("H2O")


def with_calculator(atoms: Atoms, potential: Potential | None = None) -> Atoms:
    atoms = atoms.copy()
    atoms.calc = potbench.Calculator(potential or Springs(["H", "C", "O"]))
    return atoms


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether forces were asked for, for each call of the toy potential."""
    found: list[bool] = []
    forward = Springs.forward
    monkeypatch.setattr(
        Springs, "forward", lambda self, batch, forces=False: found.append(forces) or forward(self, batch, forces)
    )
    return found


def test_results_are_those_of_the_potential_in_double_precision() -> None:
    potential, atoms = small_potential(), molecule("CH3OH")
    expected = potential.predict(atoms)
    atoms = with_calculator(atoms, potential)
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, abs=1e-6)
    assert isinstance(atoms.get_potential_energy(), float)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    assert np.array_equal(atoms.get_forces(), expected.forces)
    assert atoms.get_forces().dtype == np.float64
    assert atoms.get_forces().shape == (6, 3)
    assert set(atoms.calc.results) == set(atoms.calc.implemented_properties)


def test_energies_of_atoms_sum_up_to_the_energy() -> None:
    potential = small_potential().double()
    potential.offset.copy_(torch.tensor([-13.6, -1029.9, -2042.6]))
    atoms = with_calculator(molecule("CH3OH"), potential)
    assert atoms.get_potential_energies().shape == (6,)
    assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    assert atoms.get_potential_energies()[0] == pytest.approx(-1029.9, abs=1)


def test_a_potential_without_energies_of_atoms_does_not_offer_them() -> None:
    potential = SGDML(["H", "C", "N", "O"]).double()
    potential.load_state_dict(SGDMLSolver(sample_frames("CH3OH", start=0, end=20)).solve(length_scale=10))
    frames = sample_frames("CH3OH", start=0, end=1)
    atoms = with_calculator(Atoms(frames.atomic_numbers, frames.positions[0]), potential.eval())
    assert "energies" not in atoms.calc.implemented_properties
    assert np.isfinite(atoms.get_forces()).all()
    with pytest.raises(PropertyNotImplementedError):
        atoms.get_potential_energies()


def test_forces_are_the_gradient_of_the_energy() -> None:
    atoms = with_calculator(molecule("CH3OH"), small_potential().double())
    assert atoms.get_forces() == pytest.approx(calculate_numerical_forces(atoms, eps=1e-4), abs=1e-5)


def test_nothing_is_computed_twice(calls: list[bool]) -> None:
    atoms = with_calculator(WATER)
    calls.clear()  # of lone atoms
    atoms.get_forces()
    atoms.get_potential_energy()
    atoms.get_potential_energies()
    assert calls == [True]
    atoms.set_cell([5, 5, 5])
    atoms.set_initial_charges([1, 0, 0])
    atoms.get_forces()
    assert calls == [True]
    atoms.positions[0, 0] += 1e-6
    atoms.get_potential_energy()
    assert calls == [True, False]
    atoms.get_forces()
    assert calls == [True, False, True]


def test_a_change_of_the_atoms_is_seen() -> None:
    atoms = with_calculator(WATER, small_potential())

    def move() -> None:
        atoms.positions[1, 2] += 1e-3

    def exchange() -> None:
        atoms.symbols[0] = "C"

    def remove() -> None:
        del atoms[1]

    for change in (move, exchange, remove):
        before = atoms.get_forces()
        change()
        expected = with_calculator(atoms, small_potential())
        assert np.array_equal(atoms.get_forces(), expected.get_forces())
        assert atoms.get_potential_energy() == expected.get_potential_energy()
        assert not np.array_equal(atoms.get_forces(), before)


def test_a_molecule_in_motion_has_the_numbers_of_one_never_seen_before() -> None:
    """To the last digit, also where atoms come within the cutoffs and leave them."""
    atoms = with_calculator(molecule("CH3OH"), small_potential())
    for distance in (1.0, 3.4, 3.6, 5.1, 5.3, 5.1, 3.6, 3.4, 1.0):
        atoms.positions[2] = atoms.positions[0] + [0, 0, distance]
        expected = with_calculator(atoms, small_potential())
        assert np.array_equal(atoms.get_forces(), expected.get_forces())
        assert atoms.get_potential_energy() == expected.get_potential_energy()


def test_what_is_returned_can_be_changed_without_harm() -> None:
    atoms = with_calculator(WATER)
    before = atoms.get_forces().copy()
    atoms.get_forces()[:] = 0
    assert np.array_equal(atoms.get_forces(), before)


def test_one_calculator_serves_several_molecules() -> None:
    calculator = potbench.Calculator(small_potential())
    names = ["H2O", "CH4", "CH3OH", "H2O"]
    shared = [molecule(name) for name in names]
    for atoms in shared:
        atoms.calc = calculator
    for atoms, name in zip(shared, names, strict=True):
        assert np.array_equal(atoms.get_forces(), with_calculator(molecule(name), small_potential()).get_forces())


def test_copies_are_calculators_of_their_own() -> None:
    atoms = with_calculator(WATER, small_potential())
    energy = atoms.get_potential_energy()
    for copied in (copy.deepcopy(atoms.calc), pickle.loads(pickle.dumps(atoms.calc)), copy.copy(atoms.calc)):
        other = WATER.copy()
        other.calc = copied
        assert other.get_potential_energy() == energy
        other.positions[0, 2] += 0.1
        assert other.get_potential_energy() != energy
        assert atoms.get_potential_energy() == energy


def test_files_of_ase_show_the_run_and_the_results(tmp_path: Path) -> None:
    file = save(small_checkpoint(), tmp_path / "best.ckpt")
    atoms = WATER.copy()
    atoms.calc = potbench.Calculator(file)
    assert json.loads(json.dumps(atoms.calc.todict())) == {"run": str(file)}
    assert atoms.calc.name == "potbench"
    with Trajectory(tmp_path / "water.traj", "w") as trajectory:
        trajectory.write(atoms, energy=atoms.get_potential_energy(), forces=atoms.get_forces())
    (read,) = Trajectory(tmp_path / "water.traj")
    assert read.get_potential_energy() == atoms.get_potential_energy()
    assert read.calc.name == "potbench"


def test_a_molecule_relaxes() -> None:
    atoms = with_calculator(WATER)
    atoms.rattle(0.1, seed=0)
    assert BFGS(atoms, logfile=None).run(fmax=1e-4, steps=100)
    assert atoms.get_distance(0, 1) == pytest.approx(Springs.length, abs=1e-3)


def test_energy_is_conserved_by_dynamics_of_ase() -> None:
    atoms = with_calculator(Atoms("OHH", [[0, 0, 0], [0, 0, 1], [0, 0.8, 0.5]]))
    atoms.set_velocities(np.random.default_rng(0).normal(0, 0.05, (3, 3)))
    start, kinetic = atoms.get_total_energy(), atoms.get_kinetic_energy()
    VelocityVerlet(atoms, 0.1 * units.fs).run(200)
    assert abs(atoms.get_total_energy() - start) < 1e-2 * kinetic
    assert abs(atoms.get_kinetic_energy() - kinetic) > 1e-2 * kinetic


def test_a_band_of_images_may_share_one_calculator() -> None:
    first = with_calculator(WATER)
    last = first.copy()
    last.positions[1:] += [0, 0, 0.3]
    images = [first, *(first.copy() for _ in range(2)), last]
    for image in images:
        image.calc = first.calc
    band = NEB(images, allow_shared_calculator=True, method="improvedtangent")
    band.interpolate()
    BFGS(band, logfile=None).run(fmax=0.5, steps=20)
    assert all(np.isfinite(image.get_potential_energy()) for image in images)


def test_frequencies_are_those_of_the_springs(tmp_path: Path) -> None:
    atoms = with_calculator(Atoms("OH", [[0, 0, 0], [0, 0, Springs.length]]))
    vibrations = Vibrations(atoms, name=str(tmp_path / "vibrations"), delta=1e-3)
    vibrations.run()
    masses = atoms.get_masses()
    reduced = masses.prod() / masses.sum()
    quantum = units._hbar * np.sqrt(Springs.stiffness / reduced * units._e * 1e20 / units._amu) / units._e
    assert vibrations.get_energies()[-1].real == pytest.approx(quantum, rel=1e-4)
    assert np.abs(vibrations.get_energies()[:-1]).max() < 1e-3


@pytest.mark.parametrize(
    ("atoms", "message"),
    [
        (molecule("SiH4"), "The potential does not know Si; it was built for H, C, O"),
        (Atoms("OH", [[0, 0, 0], [0, 0, 1]], cell=[5, 5, 5], pbc=[0, 0, 1]), "The molecule is periodic"),
        (Atoms("OHH", [[0, 0, 0], [0, 0, 1], [0, 0, 1.01]]), r"The molecule has atoms 1 \(H\), 2 \(H\) in one place"),
        (Atoms("OH", [[0, 0, 0], [0, 0, np.nan]]), "The molecule has positions that are NaN"),
        (Atoms(), "The molecule has no atoms"),
    ],
)
def test_what_cannot_be_predicted_is_refused_in_words(atoms: Atoms, message: str) -> None:
    atoms.calc = potbench.Calculator(small_potential())
    for _ in range(2):  # a failure is no result
        with pytest.raises(UnknownMoleculeError, match=message):
            atoms.get_forces()


def test_a_molecule_that_becomes_impossible_is_refused() -> None:
    atoms = with_calculator(WATER)
    atoms.get_forces()
    atoms.pbc = True
    with pytest.raises(UnknownMoleculeError, match="is periodic"):
        atoms.get_forces()
    atoms.pbc = False
    atoms.get_forces()
    atoms.positions[1] = atoms.positions[2]
    with pytest.raises(UnknownMoleculeError, match="in one place"):
        atoms.get_forces()
    atoms.positions[1, 0] = np.nan
    with pytest.raises(UnknownMoleculeError, match="NaN"):
        atoms.get_forces()


def test_a_result_that_is_no_number_is_refused() -> None:
    potential = small_potential()
    for weight in potential.parameters():
        weight.data.fill_(torch.nan)
    atoms = with_calculator(WATER, potential)
    for ask in (atoms.get_potential_energy, atoms.get_forces):
        with pytest.raises(UnknownMoleculeError, match=r"The molecule: the predicted .* are NaN or infinite"):
            ask()
    assert atoms.calc.results == {}


def test_leaving_the_training_set_is_warned_of_once() -> None:
    potential, random = small_potential(), np.random.default_rng(0)
    water = [WATER.copy() for _ in range(50)]
    for atoms in water:
        atoms.positions += random.normal(0, 0.05, (3, 3))
    potential.trained_on = TrainedEnvironments.of([batch_of(water)], [1, 6, 8])
    atoms = with_calculator(WATER, potential)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.get_forces()
        atoms.positions[1] *= 1.01
        atoms.get_forces()
    atoms.positions[1] *= 3
    with pytest.warns(UserWarning, match=r"The environments of atoms .*1 \(H\).* are outside of the training set"):
        atoms.get_forces()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        atoms.positions[1] *= 1.2
        atoms.get_forces()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_computes_the_same() -> None:
    here, there = with_calculator(WATER, small_potential()), with_calculator(WATER, small_potential().cuda())
    assert there.get_forces() == pytest.approx(here.get_forces(), abs=1e-4)
