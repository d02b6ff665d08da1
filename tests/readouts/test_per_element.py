import numpy as np
import pytest
import torch
from torch import nn

from potbench.batch import Batch
from potbench.readouts.per_element import PerElement


def readout_of(symbols):
    return PerElement(symbols, lambda symbol: nn.Linear(4, 3))


@pytest.mark.parametrize(
    ("symbols", "numbers"),
    [
        (["H", "C", "N", "O"], [8, 1, 1, 6, 1, 7, 7]),
        (["O", "H"], [1, 8, 1, 1, 8]),  # order of the elements is not that of the atomic numbers
        (["H", "C", "N", "O"], [7, 7]),  # most elements do not occur
        (["Cl", "H"], [17]),
    ],
    ids=str,
)
def test_atoms_are_read_as_by_a_plain_loop_over_elements(symbols, numbers):
    readout = readout_of(symbols)
    batch = Batch.from_arrays(np.array(numbers), np.zeros((len(numbers), 3)), np.array([len(numbers)]), np.zeros(1))
    element = torch.tensor([readout.atomic_numbers.index(number) for number in numbers])
    features = torch.randn(len(numbers), 4)
    expected = torch.empty(len(numbers), 3)
    for index, symbol in enumerate(symbols):
        for atom in range(len(numbers)):
            if element[atom] == index:
                expected[atom] = readout.networks[symbol](features[atom])
    torch.testing.assert_close(readout(features, batch, element), expected)


def test_each_element_trains_its_own_network():
    readout = readout_of(["H", "C"])
    batch = Batch.from_arrays(np.array([1, 1]), np.zeros((2, 3)), np.array([2]), np.zeros(1))
    readout(torch.randn(2, 4), batch, torch.tensor([0, 0])).sum().backward()
    assert readout.networks["H"].weight.grad.any()
    assert not readout.networks["C"].weight.grad.any()


def test_each_network_is_made_for_its_symbol():
    made = []
    PerElement(["O", "H"], lambda symbol: made.append(symbol) or nn.Identity())
    assert made == ["O", "H"]
