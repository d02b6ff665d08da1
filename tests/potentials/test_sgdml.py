from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.errors import UnknownMoleculeError
from potbench.laws import forces, symmetry
from potbench.potentials import SGDML
from potbench.potentials.sgdml_solver import SGDMLSolver
from tests.native_files.one_molecule import sample_frames


@pytest.fixture(autouse=True)
def _float64() -> None:
    torch.set_default_dtype(torch.float64)


@pytest.fixture(scope="module")
def solver() -> SGDMLSolver:
    return SGDMLSolver(sample_frames(end=40))


@pytest.fixture(scope="module")
def potential(solver: SGDMLSolver) -> SGDML:
    """Solved for CH3OH, frames 0 to 39."""
    return solved(solver)


@pytest.fixture
def known() -> Batch:
    return Batch.from_frames(sample_frames(end=40))


@pytest.fixture
def unseen() -> Batch:
    return Batch.from_frames(sample_frames(start=40, end=60))


def solved(solver: SGDMLSolver, length_scale: int = 10) -> SGDML:
    potential = SGDML(["H", "C", "N", "O"])
    potential.load_state_dict(solver.solve(length_scale))
    return potential.eval()


def test_energies_are_absolute(potential: SGDML, known: Batch, unseen: Batch) -> None:
    assert (potential(known).energy - known.energy).mean().abs() < 1e-6
    errors = potential(unseen).energy - unseen.energy
    assert errors.abs().max() < 0.2 * unseen.energy.std()


def test_it_reproduces_the_forces_it_was_solved_for_and_predicts_others(
    potential: SGDML, known: Batch, unseen: Batch
) -> None:
    typical = unseen.forces.square().mean().sqrt()
    assert (potential(known, forces=True).forces - known.forces).abs().max() < 0.01 * typical
    assert (potential(unseen, forces=True).forces - unseen.forces).square().mean().sqrt() < 0.1 * typical


def test_a_frame_it_was_solved_for_has_the_right_second_derivatives(potential: SGDML, known: Batch) -> None:
    # there the distance of the kernel is zero, where the derivative of the root is infinite
    assert forces.second_derivatives(potential, known.select([0, 1, 2])) < 1e-3


def test_equal_atoms_are_exchanged_where_the_frames_show_it() -> None:
    ammonia = solved(SGDMLSolver(sample_frames("NH3", end=40)))
    assert symmetry.order_of_equal_atoms(ammonia, Batch.from_frames(sample_frames("NH3", start=40, end=50))) < 1e-8


def test_solving_twice_gives_the_same_numbers(solver: SGDMLSolver, potential: SGDML) -> None:
    again = solved(SGDMLSolver(sample_frames(end=40))).state_dict()
    assert all(torch.equal(array, again[name]) for name, array in potential.state_dict().items())


def test_a_state_is_taken_over_whatever_its_size(potential: SGDML, unseen: Batch) -> None:
    for other in (SGDML(["H", "C", "O"]), solved(SGDMLSolver(sample_frames(end=5)))):
        other.load_state_dict(potential.state_dict())
        assert torch.equal(other(unseen).energy, potential(unseen).energy)


def test_arrays_stay_double_where_the_rest_becomes_single(potential: SGDML, unseen: Batch) -> None:
    single = torch.nn.ModuleDict({"potential": copy.deepcopy(potential)}).float()["potential"]
    assert single.points.dtype == single.weights.dtype == single.constant.dtype == torch.float64
    prediction = single(unseen._replace(positions=unseen.positions.float()), forces=True)
    assert prediction.energy.dtype == torch.float64
    assert prediction.forces.dtype == torch.float32
    assert (prediction.energy - potential(unseen).energy).abs().max() < 1e-5


def test_every_force_component_is_one_parameter(potential: SGDML) -> None:
    assert potential.num_parameters == 40 * 6 * 3
    assert SGDML(["H"]).num_parameters == 0


def test_a_potential_that_was_never_solved_refuses(unseen: Batch) -> None:
    with pytest.raises(UnknownMoleculeError, match=r"^sGDML has not been solved, and so knows no molecule\."):
        SGDML(["H", "C", "O"])(unseen)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (["CH4"], "C H H H H"),
        (["CH3OH", "H2CO"], "O C H H"),
        # eighteen atoms like three molecules of methanol
        (["C2H6", "CH4", "CH4"], "C C H H H H H H"),
    ],
)
def test_other_molecules_are_refused(potential: SGDML, given: list[str], named: str) -> None:
    frames = [sample_frames(name, end=1) for name in given]
    with pytest.raises(UnknownMoleculeError, match=f"sGDML knows one molecule, C O H H H H, .* was given {named}."):
        potential(Batch.from_frames(*frames))


def test_another_order_of_the_atoms_is_refused(potential: SGDML) -> None:
    methanol = sample_frames(end=1)
    reversed_order = methanol._replace(
        atomic_numbers=methanol.atomic_numbers[::-1], positions=methanol.positions[:, ::-1]
    )
    with pytest.raises(UnknownMoleculeError, match=r"its atoms in this order, and was given H H H H O C\."):
        potential(Batch.from_frames(methanol, reversed_order._replace(forces=None)))


def test_an_element_it_was_not_built_for_is_refused(potential: SGDML) -> None:
    with pytest.raises(ValueError, match="The potential does not know Si"):
        potential(Batch.from_frames(sample_frames(end=1)._replace(atomic_numbers=np.array([6, 14, 1, 1, 1, 1]))))


def test_two_atoms_are_enough() -> None:
    distances = np.linspace(0.6, 1.0, 8)
    positions = np.zeros((8, 2, 3))
    positions[:, 1, 2] = distances
    force = -30 * (distances - 0.75)
    pushed = np.zeros((8, 2, 3))
    pushed[:, 1, 2], pushed[:, 0, 2] = force, -force
    frames = sample_frames(end=8)._replace(
        atomic_numbers=np.array([1, 1]), positions=positions, energy=15 * (distances - 0.75) ** 2, forces=pushed
    )
    potential = solved(SGDMLSolver(frames))
    assert torch.allclose(potential(Batch.from_frames(frames)).energy, torch.from_numpy(frames.energy), atol=0.01)


def test_the_gradient_by_hand_is_that_of_autograd(potential: SGDML, known: Batch, unseen: Batch) -> None:
    for batch in (known, unseen):
        positions = batch.positions.clone().requires_grad_()
        energy = potential.energies(batch.with_positions(positions)).energy
        (gradient,) = torch.autograd.grad(energy.sum(), positions)
        found = potential(batch, forces=True)
        assert torch.equal(found.energy, energy.detach())
        torch.testing.assert_close(found.forces, -gradient, rtol=1e-9, atol=1e-8)


@pytest.mark.parametrize(
    "change",
    [
        lambda potential: potential.weights.mul_(2),
        lambda potential: setattr(potential, "weights", 2 * potential.weights),
        lambda potential: potential.load_state_dict({**potential.state_dict(), "weights": 2 * potential.weights}),
    ],
)
def test_weights_that_change_are_noticed(potential: SGDML, unseen: Batch, change) -> None:
    changed = copy.deepcopy(potential)
    before = changed(unseen, forces=True).forces
    change(changed)
    torch.testing.assert_close(changed(unseen, forces=True).forces, 2 * before)
