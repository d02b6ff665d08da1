from itertools import combinations

import numpy as np
import pytest
import torch
from ase import Atoms
from ase.build import molecule
from ase.neighborlist import neighbor_list

from potbench.batch import Batch
from potbench.geometry.pairs import candidate_pairs, pairs_in_molecules, pairs_within
from potbench.structures import Frames


@pytest.mark.parametrize("sizes", [[1], [4], [2, 5, 1], [1, 1, 1], [3, 3]], ids=str)
def test_every_pair_of_one_molecule_comes_once(sizes):
    counts = np.array(sizes)
    atoms = int(counts.sum())
    batch = Batch.from_arrays(np.ones(atoms, int), np.zeros((atoms, 3)), counts, np.zeros(len(counts)))
    molecule = np.repeat(np.arange(len(sizes)), sizes)
    expected = [pair for pair in combinations(range(atoms), 2) if molecule[pair[0]] == molecule[pair[1]]]
    found = pairs_in_molecules(batch)
    assert found.shape == (2, len(expected))
    assert sorted(map(tuple, found.T.tolist())) == expected


@pytest.fixture
def molecules():
    return [molecule("CH3CONH2"), Atoms("O", [[0.0, 0, 0]]), molecule("C6H6"), molecule("H2O")]


@pytest.fixture
def batch(molecules):
    return Batch.from_frames(
        *(Frames(str(atoms), atoms.numbers, atoms.positions[None], np.zeros(1)) for atoms in molecules)
    )


@pytest.mark.parametrize("cutoff", [0.5, 1.3, 2.2, 5.0])
def test_pairs_within_a_cutoff_are_those_that_ase_finds(molecules, batch, cutoff):
    expected, num_earlier = [], 0
    for atoms in molecules:
        for i, j, distance in zip(*neighbor_list("ijd", atoms, cutoff), strict=True):
            expected += [(num_earlier + i, num_earlier + j, distance)] if i < j else []
        num_earlier += len(atoms)
    pairs = pairs_within(batch, cutoff)
    found = sorted(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.distances.tolist(), strict=True))
    assert [pair[:2] for pair in found] == [pair[:2] for pair in sorted(expected)]
    assert [pair[2] for pair in found] == pytest.approx([pair[2] for pair in sorted(expected)], rel=1e-6)


def test_vectors_point_from_the_first_atom_to_the_second_and_are_as_long_as_the_distance(batch):
    pairs = pairs_within(batch, 2.2)
    torch.testing.assert_close(batch.positions[pairs.first] + pairs.vectors, batch.positions[pairs.second])
    torch.testing.assert_close(pairs.vectors.norm(dim=1), pairs.distances)


def test_without_a_cutoff_no_pair_is_too_far(batch):
    assert len(pairs_within(batch, None).first) == batch.num_pairs


@pytest.mark.parametrize(("limit", "value"), [("MANY", 0), ("LARGE", 40)])
def test_pairs_that_are_searched_for_are_those_of_the_full_list_in_its_order(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    random = np.random.default_rng(0)
    chunks = [Frames("", np.ones(size, int), random.uniform(0, 12, (2, size, 3)), np.zeros(2)) for size in (40, 1, 25)]
    batch = Batch.from_frames(*chunks)
    listed = pairs_within(batch, 4.0)
    monkeypatch.setattr(f"potbench.geometry.pairs.{limit}", value)
    assert len(candidate_pairs(batch, 4.0)[0]) < batch.num_pairs
    for found, expected in zip(pairs_within(batch, 4.0), listed, strict=True):
        assert torch.equal(found, expected)


def test_pairs_both_ways_have_each_atom_once_at_either_end(batch) -> None:
    pairs = pairs_within(batch, 2.0)
    directed = pairs.both_ways.T.tolist()
    there = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert len(there) > 0
    assert sorted(directed) == sorted([list(pair) for pair in there] + [[other, one] for one, other in there])
