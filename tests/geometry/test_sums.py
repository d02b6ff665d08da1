import pytest
import torch

from potbench.geometry.sums import sum_per_molecule


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)], ids=str)
def test_sums_are_those_of_a_plain_loop(shape):
    molecule = torch.tensor([0, 0, 1, 2, 2, 2])
    values = torch.randn(6, *shape, dtype=torch.float64)
    sums = sum_per_molecule(values, molecule, 3)
    for number in range(3):
        expected = sum(value for value, owner in zip(values, molecule.tolist(), strict=True) if owner == number)
        torch.testing.assert_close(sums[number], expected)


def test_a_molecule_without_atoms_has_zero():
    assert sum_per_molecule(torch.ones(2), torch.tensor([0, 2]), 4).tolist() == [1.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
def test_sums_keep_the_dtype(dtype):
    assert sum_per_molecule(torch.ones(2, dtype=dtype), torch.tensor([0, 0]), 1).dtype == dtype


def test_each_atom_has_the_gradient_of_its_molecule():
    values = torch.zeros(3, requires_grad=True)
    (sum_per_molecule(values, torch.tensor([0, 1, 1]), 2) * torch.tensor([5.0, 7.0])).sum().backward()
    assert values.grad.tolist() == [5.0, 7.0, 7.0]
