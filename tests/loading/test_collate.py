from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potbench.batch import Batch
from potbench.loading.collate import gather
from tests.native_files.made import blocks

FRAMES = [(chunk, i) for chunk in blocks(forces=True) for i in range(len(chunk.energy))]
CHOICES = st.lists(st.integers(0, len(FRAMES) - 1), min_size=1, max_size=30)
ONE_STORE = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_same(one: Batch, other: Batch) -> None:
    for name, value in one._asdict().items():
        expected = getattr(other, name)
        if isinstance(expected, torch.Tensor):
            assert value.dtype == expected.dtype, name
            assert torch.equal(value, expected), name
        else:
            assert value == expected, name


@ONE_STORE
@given(CHOICES)
def test_a_batch_equals_what_a_plain_loop_collects(store_with_forces, chosen):
    batch = gather(store_with_forces, np.array(chosen))
    numbers, positions, molecule, forces = [], [], [], []
    for place, frame in enumerate(chosen):
        chunk, i = FRAMES[frame]
        for atom, number in enumerate(chunk.atomic_numbers):
            numbers.append(int(number))
            positions.append(chunk.positions[i, atom].tolist())
            forces.append(chunk.forces[i, atom].tolist())
            molecule.append(place)
    assert_same(
        batch,
        Batch(
            atomic_numbers=torch.tensor(numbers),
            positions=torch.tensor(positions),
            molecule_index=torch.tensor(molecule),
            atoms_per_molecule=torch.tensor([molecule.count(place) for place in range(len(chosen))]),
            frame=torch.tensor(chosen),
            energy=torch.tensor([FRAMES[frame][0].energy[FRAMES[frame][1]] for frame in chosen], dtype=torch.float64),
            forces=torch.tensor(forces),
            atoms_per_element={number: numbers.count(number) for number in sorted(set(numbers))},
            largest_molecule=max(molecule.count(place) for place in molecule),
            num_pairs=sum(one == other for one, other in combinations(molecule, 2)),
        ),
    )


def test_a_batch_of_everything_equals_that_of_all_frames(store_with_forces):
    everything = np.arange(len(store_with_forces))
    assert_same(gather(store_with_forces, everything), Batch.from_frames(*blocks(forces=True)))


def test_without_forces_there_are_none(store):
    assert gather(store, np.array([0, 1])).forces is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_positions_take_the_default_precision_and_energies_stay_float64(store_with_forces, dtype):
    torch.set_default_dtype(dtype)
    batch = gather(store_with_forces, np.array([0, 9]))
    assert batch.positions.dtype == batch.forces.dtype == dtype
    assert batch.energy.dtype == torch.float64


def test_a_batch_can_be_changed_without_changing_the_store(store):
    before = np.array(store.positions)
    gather(store, np.array([0, 1])).positions.zero_()
    np.testing.assert_array_equal(store.positions, before)
