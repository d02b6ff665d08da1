import numpy as np
import pytest
import torch

from potbench.batch import Batch
from potbench.structures import Frames


def water(num_frames, forces=True):
    random = np.random.default_rng(num_frames)
    shape = (num_frames, 3, 3)
    energy = -2080.0 - np.arange(num_frames)
    return Frames("water", np.array([8, 1, 1]), random.normal(size=shape), energy, random.normal(size=shape) * forces)


def hydrogen(forces=True):
    positions = np.array([[[0.0, 0, 0], [0, 0, 0.74]]])
    return Frames("hydrogen", np.array([1, 1]), positions, np.array([-31.0]), np.ones((1, 2, 3)) if forces else None)


def test_molecules_lie_end_to_end():
    batch = Batch.from_frames(water(2), hydrogen())
    assert batch.atomic_numbers.tolist() == [8, 1, 1, 8, 1, 1, 1, 1]
    assert batch.molecule_index.tolist() == [0, 0, 0, 1, 1, 1, 2, 2]
    assert batch.atoms_per_molecule.tolist() == [3, 3, 2]
    assert batch.energy.tolist() == [-2080.0, -2081.0, -31.0]
    np.testing.assert_allclose(batch.positions[3:6], water(2).positions[1], rtol=1e-6)
    np.testing.assert_allclose(batch.forces[6:], np.ones((2, 3)))


def test_counts_are_plain_numbers():
    batch = Batch.from_frames(water(2), hydrogen())
    assert batch.atoms_per_element == {1: 6, 8: 2}
    assert batch.largest_molecule == 3
    assert all(type(number) is int for number in (*batch.atoms_per_element.values(), batch.largest_molecule))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_energies_are_float64_and_the_rest_follows_the_default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        batch = Batch.from_frames(water(1))
    finally:
        torch.set_default_dtype(before)
    assert batch.energy.dtype == torch.float64
    assert batch.positions.dtype == batch.forces.dtype == dtype
    assert batch.atomic_numbers.dtype == batch.molecule_index.dtype == batch.frame.dtype == torch.int64


def test_a_batch_has_forces_only_if_every_molecule_has():
    assert Batch.from_frames(water(1), hydrogen()).forces is not None
    assert Batch.from_frames(water(1), hydrogen(forces=False)).forces is None


def test_frames_are_numbered_unless_told():
    arguments = (np.array([1, 1]), np.zeros((2, 3)), np.array([1, 1]), np.zeros(2))
    assert Batch.from_arrays(*arguments).frame.tolist() == [0, 1]
    assert Batch.from_arrays(*arguments, frame=np.array([70, 7])).frame.tolist() == [70, 7]


def test_picked_molecules_are_those_asked_for_in_that_order():
    batch = Batch.from_frames(water(2), hydrogen())
    picked = batch.select([2, 0])
    assert picked.atomic_numbers.tolist() == [1, 1, 8, 1, 1]
    assert picked.molecule_index.tolist() == [0, 0, 1, 1, 1]
    assert picked.frame.tolist() == [2, 0]
    assert picked.energy.tolist() == [-31.0, -2080.0]
    assert picked.atoms_per_element == {1: 4, 8: 1}
    atoms = [6, 7, 0, 1, 2]
    assert torch.equal(picked.positions, batch.positions[atoms])
    assert torch.equal(picked.forces, batch.forces[atoms])


def test_picking_the_largest_away_shrinks_the_largest_molecule():
    assert Batch.from_frames(water(1), hydrogen()).select([1]).largest_molecule == 2


def test_picking_from_a_batch_without_forces_gives_none():
    assert Batch.from_frames(hydrogen(forces=False)).select([0]).forces is None
