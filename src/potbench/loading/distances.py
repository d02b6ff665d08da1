"""How near atoms come to each other in some frames."""

from __future__ import annotations

import numpy as np

from potbench.loading.store import Store
from potbench.structures import SYMBOLS, IntArray

PAIRS_AT_ONCE = 1_000_000


def shortest_distances(store: Store, frames: IntArray) -> dict[str, float]:
    """Return the shortest distance of each pair of elements that occurs in one molecule: H-C → Å.

    Elements are named by ascending atomic number.

    Args:
        store: the dataset.
        frames: shape (frames,), indices.
    """
    numbers = store.manifest.atomic_numbers
    place = np.zeros(len(SYMBOLS), dtype=np.int64)
    place[list(numbers)] = np.arange(len(numbers))
    squares = np.full((len(numbers), len(numbers)), np.inf)
    frames = np.sort(frames)
    sizes = store.composition(frames, numbers).sum(axis=1)
    for size in np.unique(sizes[sizes > 1]).tolist():
        first, second = np.triu_indices(size, 1)
        alike = frames[sizes == size]
        for start in range(0, len(alike), max(1, PAIRS_AT_ONCE // len(first))):
            part = alike[start : start + max(1, PAIRS_AT_ONCE // len(first))]
            atoms = store.atoms_of(part)
            positions = np.asarray(store.positions[atoms.rows], dtype=np.float64).reshape(len(part), size, 3)
            between = np.square(positions[:, first] - positions[:, second]).sum(axis=2)
            # frames of a chunk have the same elements in the same places
            chunk_starts = np.unique(store.molecule_of(part), return_index=True)[1]
            elements = place[atoms.atomic_numbers.reshape(len(part), size)[chunk_starts]]
            one, other = np.sort([elements[:, first], elements[:, second]], axis=0)
            np.minimum.at(squares, (one, other), np.minimum.reduceat(between, chunk_starts, axis=0))
    return {
        f"{SYMBOLS[numbers[one]]}-{SYMBOLS[numbers[other]]}": float(np.sqrt(squares[one, other]))
        for one, other in np.argwhere(np.isfinite(squares)).tolist()
    }
