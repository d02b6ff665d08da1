import pytest
import torch

from potbench.geometry.pairs import Pairs
from potbench.representations.convolution import convolve


def pairs_of(*atoms):
    first, second = torch.tensor(atoms, dtype=torch.int64).reshape(-1, 2).T
    return Pairs(first, second, torch.zeros(len(first), 3), torch.zeros(len(first)))


@pytest.mark.parametrize("shape", [(2,), (3, 2)], ids=str)
def test_each_atom_sums_over_the_others_of_its_pairs(shape):
    features, filters = torch.randn(4, *shape), torch.randn(3, *([1] * (len(shape) - 1)), 2)
    summed = convolve(features, filters, pairs_of((0, 1), (0, 2), (1, 2)))
    expected = torch.stack(
        [
            filters[0] * features[1] + filters[1] * features[2],
            filters[0] * features[0] + filters[2] * features[2],
            filters[1] * features[0] + filters[2] * features[1],
            torch.zeros(shape),
        ]
    )
    torch.testing.assert_close(summed, expected)


def test_without_pairs_all_sums_are_zero():
    assert not convolve(torch.randn(2, 5), torch.randn(0, 5), pairs_of()).any()
