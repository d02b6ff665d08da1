import re

import numpy as np
import pytest
import torch
from torch import nn

from potbench.batch import Batch, Prediction
from potbench.errors import SettingError, UnknownMoleculeError
from potbench.potentials import Potential


class Spring(Potential):
    """E = k Σ x²: each atom hangs at the origin."""

    def __init__(self, elements):
        super().__init__(elements)
        self.stiffness = nn.Parameter(torch.tensor(3.0))

    def energies(self, batch):
        energy = self.stiffness * batch.positions.pow(2).sum(dim=1).double()
        return Prediction(energy.new_zeros(len(batch.energy)).index_add(0, batch.molecule_index, energy))


@pytest.fixture
def batch():
    positions = np.arange(9.0).reshape(3, 3)
    return Batch.from_arrays(np.array([8, 1, 1]), positions, np.array([2, 1]), np.zeros(2))


def test_forces_are_minus_the_gradient(batch):
    torch.testing.assert_close(Spring(["H", "O"])(batch, forces=True).forces, -6 * batch.positions)


def test_forces_are_given_only_when_asked_for(batch):
    assert Spring(["H", "O"])(batch).forces is None


def test_forces_come_without_gradients_enabled_outside(batch):
    with torch.no_grad():
        torch.testing.assert_close(Spring(["H", "O"])(batch, forces=True).forces, -6 * batch.positions)


def test_forces_in_training_can_be_differentiated_again(batch):
    potential = Spring(["H", "O"]).train()
    potential(batch, forces=True).forces.sum().backward()
    torch.testing.assert_close(potential.stiffness.grad, -2 * batch.positions.sum())


def test_forces_outside_training_keep_no_graph(batch):
    assert not Spring(["H", "O"]).eval()(batch, forces=True).forces.requires_grad


def test_positions_of_the_batch_are_left_alone(batch):
    Spring(["H", "O"])(batch, forces=True)
    assert not batch.positions.requires_grad
    assert batch.positions.grad is None


def test_elements_are_counted_in_the_order_given(batch):
    assert Spring(["H", "O"]).element(batch).tolist() == [1, 0, 0]
    assert Spring(["O", "C", "H"]).element(batch).tolist() == [0, 2, 2]


def test_an_unknown_element_is_refused(batch):
    message = (
        "The potential does not know O; it was built for H, C. Choose structures of those elements, or train a "
        "potential on data that has the others."
    )
    with pytest.raises(UnknownMoleculeError, match=f"^{re.escape(message)}$"):
        Spring(["H", "C"])(batch)


def test_all_unknown_elements_are_named(batch):
    with pytest.raises(ValueError, match="does not know H, O;"):
        Spring(["C"])(batch, forces=True)


@pytest.mark.parametrize("elements", [["H", "Zz"], ["X"], [], ["h"], ["H", "H"]], ids=str)
def test_unknown_or_repeated_chemical_symbols_are_refused(elements):
    message = (
        f"elements is {elements}, expected chemical symbols such as [H, C], each once. "
        "Change the argument elements of Spring."
    )
    with pytest.raises(SettingError, match=f"^{re.escape(message)}$"):
        Spring(elements)
