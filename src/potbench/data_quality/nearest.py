"""How far each test frame is from the training frame that is nearest to it."""

from __future__ import annotations

import numpy as np

from potbench.data_quality.leakage import sorted_distances
from potbench.loading.store import Store
from potbench.structures import FloatArray, IntArray

MOST_TEST = 2_000
MOST_TRAINING = 100_000
"""Frames that are looked at, of each; of more, so many are drawn at random."""
AT_ONCE = 4_000_000
"""Interatomic distances, or products of frames, in memory at once."""


def nearest_of_each(store: Store, test: IntArray, train: IntArray, seed: int = 0) -> FloatArray:
    """Return the distance of each test frame to the nearest training frame of its composition, in Å.

    The distance of two frames is that of `measure_leakage`. Frames of a composition that is not trained on, and single
    atoms, are infinitely far; frames that were not drawn are NaN.

    Args:
        store: the dataset.
        test: test frames.
        train: training frames.
        seed: seed of the draw.

    Returns:
        Shape (test frames,).
    """
    composition = np.unique(store.chunk_composition, axis=0, return_inverse=True)[1].reshape(-1)
    random = np.random.default_rng(seed)
    places = np.sort(random.permutation(len(test))[:MOST_TEST])
    of_test, of_train = composition[store.molecule_of(test[places])], composition[store.molecule_of(train)]
    alike = np.flatnonzero(np.isin(of_train, of_test))
    alike = np.sort(random.permutation(alike)[:MOST_TRAINING])
    train, of_train = train[alike], of_train[alike]
    found = np.full(len(test), np.nan)
    found[places] = np.inf
    for one in np.intersect1d(of_test, of_train):
        same = places[of_test == one]
        found[same] = _nearest(store, test[same], train[of_train == one])
    return found


def _nearest(store: Store, test: IntArray, train: IntArray) -> FloatArray:
    """Return the distance of each to the nearest of frames that all have one composition."""
    near = sorted_distances(store, test)
    found = np.full(len(test), np.inf)
    num_pairs = near.shape[1]
    if not num_pairs:
        return found
    size = max(1, AT_ONCE // max(num_pairs, len(test)))
    for begin in range(0, len(train), size):
        far = sorted_distances(store, train[begin : begin + size])
        # |a − b|² = |a|² + |b|² − 2ab tells which is nearest, where |a|² is the same for all
        nearest = far[((far**2).sum(axis=1) - 2 * near @ far.T).argmin(axis=1)]
        found = np.minimum(found, np.sqrt(((near - nearest) ** 2).mean(axis=1)))
    return found
