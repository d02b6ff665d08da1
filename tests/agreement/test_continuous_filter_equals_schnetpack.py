"""The own continuous-filter network against SchNetPack's SchNet with the same weights."""

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench.batch import Batch, Statistics
from potbench.potentials import AtomicPotential
from potbench.readouts import FeedForward
from potbench.representations import ContinuousFilter, SchNet, ShiftedSoftplus
from potbench.structures import Frames

ELEMENTS = ["H", "C", "N", "O"]
CUTOFF, SPACING, NUM_FUNCTIONS = 4.0, 0.2, 16
STATISTICS = Statistics({1: -13.6, 6: -1029.9, 7: -1485.3, 8: -2042.6}, 10.0, None, 1)


def potential(representation):
    torch.manual_seed(0)
    made = AtomicPotential(
        ELEMENTS, representation, lambda *sizes: FeedForward(*sizes, [8], ShiftedSoftplus, per_element=False)
    )
    made.adapt(STATISTICS)
    return made


@pytest.fixture
def theirs():
    torch.set_default_dtype(torch.float64)

    def representation(elements):
        made = SchNet(elements, 16, 3, NUM_FUNCTIONS, CUTOFF)
        # Gaussians of the same places and widths, and the activation after the filter, which SchNetPack lacks
        made.network.radial_basis.offsets.copy_(SPACING * torch.arange(NUM_FUNCTIONS))
        made.network.radial_basis.widths.fill_(SPACING)
        for interaction in made.network.interactions:
            interaction.filter_network[1].activation = ShiftedSoftplus()
            for layer in (*interaction.filter_network, *interaction.f2out):
                torch.nn.init.normal_(layer.bias, std=0.1)
        return made

    return potential(representation)


@pytest.fixture
def ours(theirs):
    def representation(elements):
        made = ContinuousFilter(
            elements, 16, 3, CUTOFF, NUM_FUNCTIONS * SPACING, basis_spacing=SPACING, gamma=1 / (2 * SPACING**2)
        )
        network = theirs.representation.network
        made.embedding.load_state_dict(network.embedding.state_dict())
        for mine, yours in zip(made.interactions, network.interactions, strict=True):
            mine.before.weight.data.copy_(yours.in2f.weight)
            mine.before.bias.data.zero_()  # SchNetPack's has none
            for place, layer in zip((0, 2), yours.filter_network, strict=True):
                mine.filter[place].load_state_dict(layer.state_dict())
            for place, layer in zip((0, 2), yours.f2out, strict=True):
                mine.after[place].load_state_dict(layer.state_dict())
        return made

    made = potential(representation)
    made.readout.load_state_dict(theirs.readout.state_dict())
    return made


def test_energies_and_forces_equal_those_of_schnetpack_with_the_same_weights(ours, theirs):
    frames = []
    for seed, name in enumerate(["CH3CONH2", "H2O", "HCN", "C6H6"]):
        atoms = molecule(name)
        atoms.rattle(0.1, seed=seed)
        frames.append(Frames(name, atoms.numbers, atoms.positions[None], np.zeros(1)))
    batch = Batch.from_frames(*frames)
    expected, prediction = theirs(batch, forces=True), ours(batch, forces=True)
    torch.testing.assert_close(prediction.energy, expected.energy, rtol=0, atol=1e-9)
    torch.testing.assert_close(prediction.forces, expected.forces)
    assert expected.forces.abs().max() > 0.01
