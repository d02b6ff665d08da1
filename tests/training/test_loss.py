from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from potbench.batch import Batch, Prediction
from potbench.errors import SettingError
from potbench.training import EnergyForcesLoss
from tests.native_files.made import frames

# methane, water, ammonia: 5, 3 and 4 atoms
CHUNKS = [frames(name, 1, forces=True, seed=seed) for seed, name in enumerate(("CH4", "H2O", "NH3"))]
ATOMS = [5, 3, 4]


@pytest.fixture
def batch() -> Batch:
    return Batch.from_frames(*CHUNKS)


@pytest.fixture
def prediction(batch) -> Prediction:
    """Off by 0.3, −0.2 and 2 eV, and by random forces."""
    torch.manual_seed(0)
    wrong = torch.tensor([0.3, -0.2, 2.0], dtype=torch.float64)
    return Prediction(batch.energy + wrong, batch.forces + torch.randn_like(batch.forces))


def errors(prediction: Prediction, batch: Batch) -> tuple[np.ndarray, list[np.ndarray]]:
    """Errors of energies, and of the forces of each molecule, by a plain loop."""
    ends = np.cumsum(ATOMS)
    wrong = (prediction.forces - batch.forces).double().numpy()
    return (prediction.energy - batch.energy).numpy(), [
        wrong[end - n : end] for n, end in zip(ATOMS, ends, strict=True)
    ]


DISTANCES = {
    "squared": (nn.MSELoss, np.square),
    "absolute": (nn.L1Loss, np.abs),
    "Huber": (
        partial(nn.HuberLoss, delta=0.5),
        lambda x: np.where(np.abs(x) < 0.5, x**2 / 2, 0.5 * (np.abs(x) - 0.25)),
    ),
}


@pytest.mark.parametrize("distance", DISTANCES)
@pytest.mark.parametrize(("energy", "forces"), [(1.0, 0.0), (0.0, 1.0), (2.0, 0.3)])
@pytest.mark.parametrize("per_atom", [False, True])
def test_the_loss_is_the_one_in_its_description(batch, prediction, distance, energy, forces, per_atom):
    error, by_hand = DISTANCES[distance]
    wrong_energy, wrong_forces = errors(prediction, batch)
    if per_atom:
        wrong_energy = wrong_energy / ATOMS
    expected = energy * by_hand(wrong_energy)
    expected = expected + [forces * by_hand(wrong).sum() / len(wrong) for wrong in wrong_forces]
    loss = EnergyForcesLoss(energy, forces, error, per_atom)(prediction, batch)
    assert loss.dtype == torch.float64
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6)


def test_with_rho_it_is_the_loss_of_schnet(batch, prediction):
    # ℓ = ρ |E − Ê|² + (1/n) Σᵢ ‖Fᵢ − F̂ᵢ‖²
    rho = 0.01
    wrong_energy, wrong_forces = errors(prediction, batch)
    lengths = [np.linalg.norm(wrong, axis=1) for wrong in wrong_forces]
    expected = [rho * e**2 + (length**2).mean() for e, length in zip(wrong_energy, lengths, strict=True)]
    loss = EnergyForcesLoss(energy=rho, forces=1.0)(prediction, batch)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6)


def test_the_loss_of_a_perfect_prediction_is_zero(batch):
    loss = EnergyForcesLoss(1.0, 1.0)(Prediction(batch.energy, batch.forces), batch)
    assert loss.tolist() == [0, 0, 0]


@pytest.mark.parametrize("order", [[2, 0, 1], [1, 2], [0]])
def test_the_loss_of_a_molecule_does_not_depend_on_batch_mates(batch, prediction, order):
    loss = EnergyForcesLoss(1.0, 1.0)
    starts = np.cumsum([0, *ATOMS])
    atoms = np.concatenate([np.arange(starts[i], starts[i] + ATOMS[i]) for i in order])
    reordered = loss(Prediction(prediction.energy[order], prediction.forces[atoms]), batch.select(order))
    torch.testing.assert_close(reordered, loss(prediction, batch)[order])


def test_the_loss_of_a_small_error_on_a_large_total_keeps_its_digits(batch):
    large = batch._replace(energy=torch.full((3,), -17_650.123456789, dtype=torch.float64))
    loss = EnergyForcesLoss()(Prediction(large.energy + 1e-6), large)
    np.testing.assert_allclose(loss.numpy(), 1e-12, rtol=1e-4)


def test_the_gradient_reaches_energies_and_forces(batch, prediction):
    energy = prediction.energy.clone().requires_grad_()
    forces = prediction.forces.clone().requires_grad_()
    EnergyForcesLoss(0.5, 2.0)(Prediction(energy, forces), batch).sum().backward()
    wrong_energy, wrong_forces = errors(prediction, batch)
    np.testing.assert_allclose(energy.grad, 0.5 * 2 * wrong_energy, rtol=1e-6)
    expected = np.concatenate([2.0 * 2 * wrong / len(wrong) for wrong in wrong_forces])
    np.testing.assert_allclose(forces.grad, expected, rtol=1e-5)


def test_forces_without_weight_are_not_asked_for(batch):
    assert EnergyForcesLoss()(Prediction(batch.energy), batch).tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("energy", "forces", "message"),
    [
        (-1.0, 1.0, "energy is -1.0, expected a weight of at least 0. Change the argument energy of EnergyForcesLoss."),
        (1.0, -0.5, "forces is -0.5, expected a weight of at least 0. Change the argument forces of EnergyForcesLoss."),
        (1.0, math.nan, "forces is nan, expected a weight of at least 0."),
        (math.inf, 1.0, "energy is inf, expected a weight of at least 0."),
        (
            0.0,
            0,
            "The weights of energy and forces are both 0. Expected one of them above 0. Change the argument energy",
        ),
    ],
)
def test_impossible_weights_are_refused_by_name(energy, forces, message):
    with pytest.raises(SettingError) as caught:
        EnergyForcesLoss(energy, forces)
    assert message in str(caught.value)
    assert caught.value.owner is EnergyForcesLoss


@pytest.mark.parametrize(
    "error",
    [
        nn.ReLU,  # of one argument
        nn.GaussianNLLLoss,  # of three
        nn.CrossEntropyLoss,  # not elementwise
        nn.BCEWithLogitsLoss,  # not zero for what is equal
        nn.KLDivLoss,  # zero for what is not equal
        nn.BCELoss,  # of probabilities
        partial(nn.Linear, 3, 3),
    ],
)
def test_what_is_no_distance_is_refused_as_an_error(error):
    with pytest.raises(SettingError) as caught:
        EnergyForcesLoss(error=error)
    assert str(caught.value).endswith(
        "expected an elementwise loss of torch, such as torch.nn.HuberLoss. Change the argument error of "
        "EnergyForcesLoss."
    )
    assert caught.value.setting == "error"


@pytest.mark.parametrize("error", [nn.SmoothL1Loss, nn.HuberLoss, nn.L1Loss, nn.MSELoss])
def test_elementwise_losses_of_torch_are_distances(error):
    assert EnergyForcesLoss(error=error).error.reduction == "none"


def test_labels_that_a_molecule_lacks_add_nothing_and_the_others_count_as_ever(batch, prediction):
    loss = EnergyForcesLoss(energy=0.5, forces=2.0)
    of_energy, of_forces = EnergyForcesLoss(0.5, 0.0)(prediction, batch), loss(prediction, batch)
    lacking = batch._replace(
        energy=torch.tensor([0.0, 0.0, batch.energy[2]], dtype=torch.float64),
        energy_known=torch.tensor([False, False, True]),
        forces_known=torch.tensor([True, False, False]),
    )
    found = loss(prediction, lacking)
    expected = [of_forces[0] - of_energy[0], 0.0, of_energy[2]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_labels_that_are_not_known_have_no_gradient(batch, prediction):
    energy = prediction.energy.clone().requires_grad_()
    forces = prediction.forces.clone().requires_grad_()
    known = torch.tensor([True, False, True])
    lacking = batch._replace(energy_known=known, forces_known=known)
    EnergyForcesLoss(1.0, 1.0)(Prediction(energy, forces), lacking).sum().backward()
    assert (energy.grad != 0).tolist() == known.tolist()
    assert (forces.grad != 0).any(dim=1).tolist() == known[batch.molecule_index].tolist()
