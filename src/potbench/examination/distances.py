"""Distances between atoms in dynamics, and in the data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from potbench.structures import FloatArray

BINS, LONGEST = 500, 10.0
"""Of a histogram, and where it ends, in Å; longer distances are in the last bin."""
WIDTH = LONGEST / BINS
HALVINGS = 20
"""Random halvings of the data, over which its floor is averaged."""
FEWEST = 100
"""Frames of the data, and of the dynamics, without which nothing is said."""


class Difference(NamedTuple):
    """How far two distributions of distances are apart.

    Attributes:
        l1: ∫|h − h′| dr, from 0 to 2.
        w1: ∫|H − H′| dr in Å, H the cumulative distribution: how far, on average, distances have to be moved.
    """

    l1: float
    w1: float

    @classmethod
    def between(cls, one: FloatArray, other: FloatArray) -> Difference:
        """Compare two distributions, shares in each bin of shape (bins,)."""
        apart = one - other
        return cls(float(np.abs(apart).sum()), float(np.abs(np.cumsum(apart)).sum() * WIDTH))


def shares(positions: FloatArray) -> FloatArray:
    """Return the distribution of distances in each frame: shape (frames, atoms, 3) → (frames, bins), each of sum 1."""
    first, second = np.triu_indices(positions.shape[1], 1)
    found = np.zeros((len(positions), BINS), dtype=np.float32)
    for frame, each in enumerate(positions):
        distances = np.linalg.norm(each[first] - each[second], axis=1)
        bins = np.minimum((distances / WIDTH).astype(int), BINS - 1)
        found[frame] = np.bincount(bins, minlength=BINS)
    return found / len(first)


def effective_number(frames: FloatArray, blocks: list[FloatArray]) -> float:
    """Return as how many independent frames correlated ones count: the variance of a frame over that of the mean.

    Args:
        frames: distributions, shape (frames, bins).
        blocks: means over parts of the frames that are nearly independent and of like length, shape (bins,) each.
    """
    of_frame = frames.var(axis=0, dtype=np.float64, ddof=1).sum()
    of_mean = np.var(blocks, axis=0, dtype=np.float64, ddof=1).sum() / len(blocks)
    return float(min(of_frame / of_mean, len(frames))) if of_mean > 0 else float(len(frames))


def floor(data: FloatArray, number: float, other: float, seed: int) -> Difference:
    """Return how far two samples of one distribution would be apart: as halves of the data are.

    The halves are random, so that correlation does not count, and their difference is brought to the numbers of
    independent frames of the samples: it goes by the square root of the sum of their inverses.

    Args:
        data: distributions, shape (frames, bins).
        number: of independent frames of one sample.
        other: of the other sample.
        seed: of the halves.
    """
    random = np.random.default_rng(seed)
    half = len(data) // 2
    found = []
    for _ in range(HALVINGS):
        order = random.permutation(len(data))
        found.append(Difference.between(data[order[:half]].mean(axis=0), data[order[half : 2 * half]].mean(axis=0)))
    scale = np.sqrt((1 / number + 1 / other) / (2 / half))
    l1, w1 = np.mean(found, axis=0) * scale
    return Difference(float(l1), float(w1))
