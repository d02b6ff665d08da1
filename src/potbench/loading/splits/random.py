"""Frames at random."""

from __future__ import annotations

import numpy as np
from typing_extensions import override

from potbench.errors import require_not_negative
from potbench.loading.splits.sizes import SizedSplit
from potbench.loading.splits.split import SplitIndices, index_dtype
from potbench.loading.store import Store
from potbench.structures import IntArray


class RandomSplit(SizedSplit):
    """Frames drawn at random, regardless of the molecule they belong to.

    Conformers of one molecule are then in all three sets: the literature's usual split of ANI-1, and an optimistic one.

    Args:
        train: fraction of the frames (all three add up to 1), or how many (whole numbers).
        validation: likewise.
        test: likewise.
        seed: seed of the draw, independent of every other seed.
    """

    def __init__(self, train: float = 0.8, validation: float = 0.1, test: float = 0.1, seed: int = 0) -> None:
        super().__init__(train, validation, test)
        require_not_negative(self, seed=seed)
        self.seed = seed

    @override
    def divide(self, store: Store) -> SplitIndices:
        counts = self.counts(len(store), "frames")
        order = shuffled(len(store), self.seed)
        train, validation, test = np.split(order, np.cumsum(counts))[:3]
        return SplitIndices(np.sort(train), np.sort(validation), np.sort(test))


def shuffled(num_frames: int, seed: int) -> IntArray:
    """Return the numbers below `num_frames` in random order, as int32 where they fit."""
    order: IntArray = np.arange(num_frames, dtype=index_dtype(num_frames))
    np.random.default_rng(seed).shuffle(order)
    return order
