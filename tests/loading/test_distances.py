from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from potbench.loading import Store, distances
from potbench.loading.distances import shortest_distances
from potbench.structures import SYMBOLS
from tests.native_files.made import blocks, frames

SOME = np.array([18, 0, 1, 3, 7, 8, 10, 14, 17])


def by_scipy(store: Store, some: np.ndarray) -> dict[str, float]:
    found: dict[str, float] = {}
    for frame in some:
        atoms = store.atoms_of(np.array([frame]))
        pairs = zip(*np.triu_indices(len(atoms.rows), 1), pdist(store.positions[atoms.rows]), strict=True)
        for first, second, distance in pairs:
            one, other = sorted((int(atoms.atomic_numbers[first]), int(atoms.atomic_numbers[second])))
            name = f"{SYMBOLS[one]}-{SYMBOLS[other]}"
            found[name] = min(found.get(name, np.inf), distance)
    return found


@pytest.mark.parametrize("pairs_at_once", [1_000_000, 7])
def test_distances_are_the_shortest_of_each_pair_of_elements_in_these_frames(tmp_path, monkeypatch, pairs_at_once):
    monkeypatch.setattr(distances, "PAIRS_AT_ONCE", pairs_at_once)
    store = Store.write(tmp_path / "store", [*blocks(), frames("NH3", 3, seed=9)])
    for some in (SOME, np.arange(len(store))):
        expected = by_scipy(store, some)
        found = shortest_distances(store, some)
        assert found == pytest.approx(expected, rel=1e-6)
        assert set(found) == {"H-H", "H-C", "H-N", "H-O", "C-N"}


def test_frames_without_pairs_have_no_distances(tmp_path):
    chunk = frames("H2O", 4)
    oxygen = chunk._replace(molecule="O", atomic_numbers=chunk.atomic_numbers[:1], positions=chunk.positions[:, :1])
    assert shortest_distances(Store.write(tmp_path / "store", [oxygen]), np.arange(4)) == {}
