import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import gelu, linear

from potbench.batch import Batch
from potbench.readouts import Residual

NUMBERS = np.array([8, 1, 1, 6, 1, 7])


@pytest.fixture
def batch():
    return Batch.from_arrays(NUMBERS, np.zeros((6, 3)), np.array([3, 3]), np.zeros(2))


@pytest.fixture
def element():
    return torch.tensor([3, 0, 0, 1, 0, 2])


def small(**arguments):
    sizes = {"width": 7, "last_width": 4, **arguments}
    return Residual(["H", "C", "N", "O"], 5, **sizes)


def test_each_atom_is_read_by_the_formula_with_the_weights_of_its_element(batch, element):
    readout = small().eval()
    features = torch.randn(6, 5)
    energies = readout(features, batch, element)
    for atom, symbol in enumerate(["O", "H", "H", "C", "H", "N"]):
        weights = [parameter.detach() for parameter in readout.network.networks[symbol].parameters()]
        first, *spanned, last, energy = zip(weights[::2], weights[1::2], strict=True)
        skipped = added = linear(features[atom], *first)
        for layer in spanned:
            added = gelu(linear(added, *layer))
        assert len(spanned) == 2
        expected = linear(gelu(linear(skipped + added, *last)), *energy)
        torch.testing.assert_close(energies[atom], expected[0])


def test_sizes_and_activation_are_those_asked_for():
    network = small(num_layers=3, activation=nn.Tanh).network.networks["C"]
    widths = [(layer.in_features, layer.out_features) for layer in network.modules() if isinstance(layer, nn.Linear)]
    assert widths == [(5, 7), (7, 7), (7, 7), (7, 7), (7, 4), (4, 1)]
    assert sum(isinstance(layer, nn.Tanh) for layer in network.modules()) == 4


def test_dropout_acts_in_training_only(batch, element):
    readout = small(dropout=0.5)
    features = torch.randn(6, 5)
    assert not torch.equal(readout(features, batch, element), readout(features, batch, element))
    readout.eval()
    assert torch.equal(readout(features, batch, element), readout(features, batch, element))
