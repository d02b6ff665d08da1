from itertools import combinations

import numpy as np
import pytest

from potbench.batches import assemble
from potbench.geometry.pairs import pairs_in_molecules


@pytest.mark.parametrize("sizes", [[1], [4], [2, 5, 1], [1, 1, 1], [3, 3]], ids=str)
def test_every_pair_of_one_molecule_comes_once(sizes):
    counts = np.array(sizes)
    atoms = int(counts.sum())
    batch = assemble(np.ones(atoms, int), np.zeros((atoms, 3)), counts, np.zeros(len(counts)))
    molecule = np.repeat(np.arange(len(sizes)), sizes)
    expected = [pair for pair in combinations(range(atoms), 2) if molecule[pair[0]] == molecule[pair[1]]]
    found = pairs_in_molecules(batch)
    assert found.shape == (2, len(expected))
    assert sorted(map(tuple, found.T.tolist())) == expected
