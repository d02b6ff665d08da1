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


def test_molecules_are_concatenated():
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


def test_frames_are_numbered_from_zero_unless_given():
    arguments = (np.array([1, 1]), np.zeros((2, 3)), np.array([1, 1]), np.zeros(2))
    assert Batch.from_arrays(*arguments).frame.tolist() == [0, 1]
    assert Batch.from_arrays(*arguments, frame=np.array([70, 7])).frame.tolist() == [70, 7]


def test_selected_molecules_are_those_asked_for_in_that_order():
    batch = Batch.from_frames(water(2), hydrogen())
    selected = batch.select([2, 0])
    assert selected.atomic_numbers.tolist() == [1, 1, 8, 1, 1]
    assert selected.molecule_index.tolist() == [0, 0, 1, 1, 1]
    assert selected.frame.tolist() == [2, 0]
    assert selected.energy.tolist() == [-31.0, -2080.0]
    assert selected.atoms_per_element == {1: 4, 8: 1}
    assert (selected.largest_molecule, selected.num_pairs) == (3, 1 + 3)
    atoms = [6, 7, 0, 1, 2]
    assert torch.equal(selected.positions, batch.positions[atoms])
    assert torch.equal(selected.forces, batch.forces[atoms])


def test_the_largest_molecule_is_that_of_the_selection():
    assert Batch.from_frames(water(1), hydrogen()).select([1]).largest_molecule == 2


def test_a_selection_without_forces_has_none():
    assert Batch.from_frames(hydrogen(forces=False)).select([0]).forces is None


class Cached:
    """Features without derivatives."""

    position_gradient = None

    def __init__(self, features=None):
        self.features = torch.ones(8, 2) if features is None else features

    def map(self, change):
        return Cached(change(self.features))


def test_other_positions_drop_cached_features():
    batch = Batch.from_frames(water(2), hydrogen())._replace(cached=Cached())
    moved = batch.with_positions(batch.positions + 1)
    assert moved.cached is None
    assert torch.equal(moved.positions, batch.positions + 1)
    assert torch.equal(moved.forces, batch.forces)


def test_everything_goes_to_another_device():
    moved = Batch.from_frames(water(2), hydrogen())._replace(cached=Cached()).to(torch.device("meta"))
    tensors = [value for value in moved if isinstance(value, torch.Tensor)]
    assert len(tensors) == 7
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert moved.cached.features.device.type == "meta"
    assert moved.num_pairs == 7


def test_what_was_found_once_is_kept_by_a_memory_alone() -> None:
    calls = []

    def find() -> torch.Tensor:
        calls.append(1)
        return torch.zeros(1)

    batch = Batch.from_arrays(np.array([1]), np.zeros((1, 3)), np.array([1]), np.zeros(1))
    for _ in range(2):
        batch.once("found", find)
    assert len(calls) == 2
    batch = batch._replace(memory={})
    moved = batch.with_positions(batch.positions + 1)
    assert moved.once("found", find) is batch.once("found", find)
    assert len(calls) == 3
    elsewhere = batch.to(torch.device("cpu"))  # what was found is on another device
    elsewhere.once("found", find)
    assert len(calls) == 4
