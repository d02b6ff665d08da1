import re

import numpy as np
import pytest
import torch
from torch import nn

from potbench.batch import Batch
from potbench.readouts import FeedForward

ELEMENTS = ["H", "C", "N", "O"]
NUMBERS = np.array([8, 1, 1, 6, 1, 7])


@pytest.fixture
def batch():
    return Batch.from_arrays(NUMBERS, np.zeros((6, 3)), np.array([3, 3]), np.zeros(2))


@pytest.fixture
def element():
    return torch.tensor([3, 0, 0, 1, 0, 2])


def num_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("hidden_sizes", "expected"), [([128], 197_636), ([200], 308_804), ([128, 64], 230_404)], ids=str
)
def test_networks_of_four_elements_have_this_many_parameters(hidden_sizes, expected):
    assert num_parameters(FeedForward(ELEMENTS, 384, hidden_sizes)) == expected


def test_one_network_for_all_has_a_quarter_of_them():
    assert num_parameters(FeedForward(ELEMENTS, 384, [128], per_element=False)) == 197_636 // 4


def test_elements_may_differ_in_size():
    sizes = {"H": [160, 128], "C": [144], "N": [128], "O": []}
    networks = FeedForward(ELEMENTS, 384, sizes).network.networks
    for symbol, hidden in sizes.items():
        linear = [layer for layer in networks[symbol] if isinstance(layer, nn.Linear)]
        assert [layer.in_features for layer in linear] == [384, *hidden]
        assert [layer.out_features for layer in linear] == [*hidden, 1]


def test_elements_of_different_sizes_are_read_by_their_own_network(batch, element):
    readout = FeedForward(ELEMENTS, 5, {"H": [7, 3], "C": [4], "N": [2], "O": []})
    features = torch.randn(6, 5)
    energies = readout(features, batch, element)
    for atom, index in enumerate(element.tolist()):
        torch.testing.assert_close(energies[atom], readout.network.networks[ELEMENTS[index]](features[atom])[0])


def test_one_network_for_all_does_not_depend_on_the_element(batch, element):
    readout = FeedForward(ELEMENTS, 5, [7], per_element=False)
    features = torch.randn(6, 5)
    torch.testing.assert_close(readout(features, batch, element), readout.network(features).squeeze(-1))
    assert torch.equal(readout(features, batch, element), readout(features, batch, element.flip(0)))


def test_networks_start_from_different_weights():
    networks = FeedForward(ELEMENTS, 5, [7]).network.networks
    assert not torch.equal(networks["H"][0].weight, networks["C"][0].weight)


def test_an_activation_follows_each_hidden_layer_but_not_the_last_layer():
    kinds = [type(layer) for layer in FeedForward(["H"], 5, [4, 3], activation=nn.Tanh).network.networks["H"]]
    assert kinds == [nn.Linear, nn.Tanh, nn.Linear, nn.Tanh, nn.Linear]


def test_dropout_acts_in_training_only(batch, element):
    readout = FeedForward(ELEMENTS, 5, [64], dropout=0.5)
    features = torch.randn(6, 5)
    assert not torch.equal(readout(features, batch, element), readout(features, batch, element))
    readout.eval()
    assert torch.equal(readout(features, batch, element), readout(features, batch, element))


def test_a_missing_element_is_named():
    message = (
        "hidden_sizes has no N, O. Expected the widths of every element. "
        "Change the argument hidden_sizes of FeedForward."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FeedForward(ELEMENTS, 5, {"H": [7], "C": [7]})


def test_sizes_by_element_and_one_network_for_all_exclude_each_other():
    message = (
        "hidden_sizes differ by element, but per_element is false. Expected a network for each element. "
        "Change the argument per_element of FeedForward."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        FeedForward(["H"], 5, {"H": [7]}, per_element=False)


def test_a_norm_precedes_each_activation_where_asked_for():
    readout = FeedForward(["H"], 3, [5, 4], nn.ReLU, rms_norm=True)
    layers = [type(layer).__name__ for layer in readout.network.networks["H"]]
    assert layers == ["Linear", "RMSNorm", "ReLU", "Linear", "RMSNorm", "ReLU", "Linear"]
