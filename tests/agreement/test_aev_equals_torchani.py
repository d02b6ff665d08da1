"""AEV and feed-forward networks against TorchANI's own, fed with a padded batch by hand."""

import numpy as np
import pytest
import torch
from ase.build import molecule
from torch import nn
from torchani.aev import AEVComputer
from torchani.nn import ANINetworks, AtomicNetwork

from potbench.batch import Batch, Statistics
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import AEV
from potbench.structures import Frames

ELEMENTS = ["H", "C", "N", "O"]
INDEX = {1: 0, 6: 1, 7: 2, 8: 3}
REFERENCES = {1: -13.6, 6: -1029.9, 7: -1485.3, 8: -2042.6}


@pytest.fixture
def frames():
    read = []
    for seed, name in enumerate(["CH3CONH2", "H2O", "HCN", "CH3OH"]):
        atoms = molecule(name)
        atoms.rattle(0.1, seed=seed)
        read.append(Frames(name, atoms.numbers, atoms.positions[None], np.zeros(1)))
    return read


def padded(frames):
    """Elements (molecules, largest), −1 where empty, and positions (molecules, largest, 3)."""
    largest = max(len(each.atomic_numbers) for each in frames)
    elements = torch.full((len(frames), largest), -1)
    positions = torch.zeros(len(frames), largest, 3)
    for row, each in enumerate(frames):
        count = len(each.atomic_numbers)
        elements[row, :count] = torch.tensor([INDEX[number] for number in each.atomic_numbers.tolist()])
        positions[row, :count] = torch.from_numpy(each.positions[0])
    return elements, positions


def test_aev_equals_that_of_ani_1x(frames):
    elements, positions = padded(frames)
    expected = AEVComputer.like_1x()(elements, positions)[elements >= 0]
    batch = Batch.from_frames(*frames)
    features = AEV(ELEMENTS)(batch, elements[elements >= 0])
    torch.testing.assert_close(features, expected)


@pytest.mark.parametrize("hidden_sizes", [[128], [128, 64]], ids=str)
@pytest.mark.parametrize("activation", [nn.ReLU, nn.CELU])
def test_energies_equal_those_of_ani_networks_with_the_same_weights(frames, hidden_sizes, activation):
    torch.manual_seed(0)
    networks = ANINetworks(
        {symbol: AtomicNetwork([384, *hidden_sizes, 1], activation=activation(), bias=True) for symbol in ELEMENTS}
    )
    potential = AtomicPotential(
        ELEMENTS, AEV, lambda elements, size: FeedForward(elements, size, hidden_sizes, activation), scale=2.0
    )
    potential.adapt(Statistics(REFERENCES, 1.0, None, 1))
    for symbol in ELEMENTS:
        theirs = [*networks.atomics[symbol].layers, networks.atomics[symbol].final_layer]
        ours = [layer for layer in potential.readout.network.networks[symbol] if isinstance(layer, nn.Linear)]
        for mine, yours in zip(ours, theirs, strict=True):
            mine.load_state_dict(yours.state_dict())

    elements, positions = padded(frames)
    parts = networks(elements, AEVComputer.like_1x()(elements, positions)).double()
    offsets = torch.tensor(
        [sum(REFERENCES[number] for number in each.atomic_numbers.tolist()) for each in frames], dtype=torch.float64
    )
    torch.testing.assert_close(
        potential(Batch.from_frames(*frames)).energy - offsets, 2.0 * parts, rtol=1e-5, atol=1e-6
    )


def test_forces_equal_the_gradient_of_ani_1x_features(frames):
    elements, positions = padded(frames)
    positions.requires_grad_()
    torch.manual_seed(0)
    readout = FeedForward(ELEMENTS, 384, [16])
    features = AEVComputer.like_1x()(elements, positions)[elements >= 0]
    batch = Batch.from_frames(*frames)
    energy = readout(features, batch, elements[elements >= 0]).sum()
    (gradient,) = torch.autograd.grad(energy, positions)
    potential = AtomicPotential(ELEMENTS, AEV, lambda *_: readout)
    torch.testing.assert_close(potential(batch, forces=True).forces, -gradient[elements >= 0], rtol=1e-4, atol=1e-5)
