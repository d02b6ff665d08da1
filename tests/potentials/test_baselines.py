import math

import numpy as np
import pytest
import torch

from potbench.batch import Batch, Statistics
from potbench.errors import SettingError
from potbench.potentials import Composition, Coordinates, Pairwise
from potbench.training.loss import EnergyForcesLoss

ELEMENTS = ["H", "C", "O"]
STATISTICS = Statistics({1: -10.0, 6: -1000.0, 8: -2000.0}, 4.0, None, 10)


@pytest.fixture(autouse=True)
def _float64():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)


@pytest.fixture
def batch():
    """Water and carbon monoxide."""
    positions = np.array([[0.0, 0, 0.1], [0, 0.8, -0.5], [0, -0.7, -0.5], [1, 0, 0], [1, 1.1, 0]])
    return Batch.from_arrays(np.array([8, 1, 1, 6, 8]), positions, np.array([3, 2]), np.zeros(2))


def adapted(potential):
    potential.adapt(STATISTICS)
    return potential


def test_a_composition_has_the_reference_energies_and_no_forces(batch):
    prediction = adapted(Composition(ELEMENTS))(batch, forces=True)
    assert prediction.energy.tolist() == [-2020.0, -3000.0]
    assert not prediction.forces.any()


def test_a_composition_learns_an_energy_of_each_element(batch):
    potential = adapted(Composition(ELEMENTS))
    potential(batch).energy.sum().backward()
    assert potential.bias.grad.tolist() == [2 * 4.0, 4.0, 2 * 4.0]


def test_a_composition_can_be_trained_on_forces_too(batch):
    potential = adapted(Composition(ELEMENTS)).train()
    batch = batch._replace(forces=torch.ones_like(batch.positions))
    EnergyForcesLoss(energy=0.0, forces=1.0)(potential(batch, forces=True), batch).mean().backward()
    assert not potential.bias.grad.any()


def test_coordinates_are_read_by_the_formula(batch):
    potential = adapted(Coordinates(ELEMENTS))
    first, second = potential.network[0], potential.network[2]
    expected = []
    for number, position in zip(batch.atomic_numbers, batch.positions, strict=True):
        hidden = second(first(position).relu()).relu()
        described = torch.cat([potential.embedding.weight[number], hidden])
        expected.append(4.0 * torch.dot(potential.energy.weight[0], described))
    torch.testing.assert_close(potential(batch).atomic_energies, torch.stack(expected))


def test_pairs_have_the_energy_of_the_formula():
    distance, spacing = 1.3, 5.2 / 31
    potential = Pairwise(ELEMENTS)
    of_kind = potential.coefficients.weight[4]  # HH, HC, HO, CC, CO, OO
    curve = sum(of_kind[k].item() * math.exp(-((distance / spacing - k) ** 2) / 2) for k in range(32))
    expected = curve * (0.5 + 0.5 * math.cos(math.pi * distance / 5.2))
    for numbers in ([6, 8], [8, 6]):
        pair = Batch.from_arrays(np.array(numbers), np.array([[0, 0, 0], [0, distance, 0]]), np.array([2]), np.zeros(1))
        prediction = potential(pair)
        assert prediction.energy.item() == pytest.approx(expected)
        assert prediction.atomic_energies.tolist() == pytest.approx([expected / 2] * 2)


def test_pairs_add_up_within_a_molecule(batch):
    potential = Pairwise(ELEMENTS)
    energies = potential(batch).energy
    apart = [
        Batch.from_arrays(batch.atomic_numbers[pair].numpy(), batch.positions[pair].numpy(), np.array([2]), np.zeros(1))
        for pair in ([0, 1], [0, 2], [1, 2], [3, 4])
    ]
    pairs = [potential(pair).energy for pair in apart]
    torch.testing.assert_close(energies, torch.stack([pairs[0] + pairs[1] + pairs[2], pairs[3]]).flatten())


def test_pairs_beyond_the_cutoff_do_not_interact(batch):
    far = batch._replace(positions=batch.positions * 10)
    prediction = Pairwise(ELEMENTS)(far, forces=True)
    assert not prediction.energy.any()
    assert not prediction.forces.any()


@pytest.mark.parametrize("settings", [{"cutoff": 0}, {"num_functions": 1}, {"scale": 0.0}], ids=str)
def test_settings_that_cannot_work_are_refused(settings):
    ((name, value),) = settings.items()
    message = rf"^{name} is {value}, expected .*\. Change the argument {name} of Pairwise\.$"
    with pytest.raises(SettingError, match=message):
        Pairwise(ELEMENTS, **settings)
