import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.geometry.padding import pad, slots, unpad


def batch_with(atoms_per_molecule):
    counts = np.array(atoms_per_molecule)
    num_atoms = int(counts.sum())
    return Batch.from_arrays(np.ones(num_atoms, int), np.zeros((num_atoms, 3)), counts, np.zeros(len(counts)))


SIZES = pytest.mark.parametrize("sizes", [[1], [4], [2, 5, 1], [1, 1, 1], [3, 3]], ids=str)


@SIZES
def test_padding_and_unpadding_gives_the_atoms_back(sizes):
    batch = batch_with(sizes)
    slot = slots(batch)
    for shape in [(), (3,), (2, 5)]:
        values = torch.randn(sum(sizes), *shape)
        table = pad(values, slot, batch, fill=0.0)
        assert table.shape == (len(sizes), max(sizes), *shape)
        assert torch.equal(unpad(table, slot), values)


@SIZES
def test_the_table_is_that_of_a_plain_loop(sizes):
    batch = batch_with(sizes)
    values = torch.randn(sum(sizes), 3)
    expected = torch.full((len(sizes), max(sizes), 3), -1.0)
    parts = values.split(sizes)
    for molecule, part in enumerate(parts):
        for atom, value in enumerate(part):
            expected[molecule, atom] = value
    assert torch.equal(pad(values, slots(batch), batch, fill=-1.0), expected)


def test_integers_stay_integers():
    batch = batch_with([1, 2])
    table = pad(torch.tensor([8, 6, 7]), slots(batch), batch, fill=-1)
    assert table.tolist() == [[8, -1], [6, 7]]
    assert table.dtype == torch.int64


def test_gradients_come_back_to_their_atoms():
    batch = batch_with([1, 2])
    values = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    weights = torch.tensor([[1.0, 100.0], [2.0, 3.0]])
    (pad(values, slots(batch), batch, fill=0.0) * weights).sum().backward()
    assert values.grad.tolist() == [1.0, 2.0, 3.0]
