"""Distances between atoms in dynamics, and in the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from potbench.structures import FloatArray

BINS, LONGEST = 500, 10.0
"""Of a histogram, and where it ends, in Å; longer distances are in the last bin."""
WIDTH = LONGEST / BINS


class Difference(NamedTuple):
    """How far two distributions of distances are apart.

    Attributes:
        l1: ∫|h − h′| dr, from 0 to 2.
        w1: ∫|H − H′| dr in Å, H the cumulative distribution: how far, on average, distances have to be moved.
    """

    l1: float
    w1: float


class Distances(NamedTuple):
    """The mean distribution of the distances in a sample of frames, and how sure it is.

    Attributes:
        shares: in each bin, shape (bins,), of sum 1.
        variance: of these means, shape (bins,).
        cumulative_variance: of their cumulative sums.
        number: as how many independent frames the sample counts.
    """

    shares: FloatArray
    variance: FloatArray
    cumulative_variance: FloatArray
    number: float

    @classmethod
    def of(cls, parts: Sequence[FloatArray]) -> Self:
        """Average over frames; variances are those between parts of them that are nearly independent.

        V = B/(B − 1) · Σ (T − m n)² / (Σ n)²,   T and n the sum over a part and its frames, B parts

        Args:
            parts: of at least two, distributions of shape (frames, bins).
        """
        frames = sum(map(len, parts))
        mean = sum(part.sum(axis=0, dtype=np.float64) for part in parts) / frames
        sums = np.array([part.sum(axis=0, dtype=np.float64) - mean * len(part) for part in parts])
        scale = len(parts) / (len(parts) - 1) / frames**2
        variance, cumulative = (scale * np.square(each).sum(axis=0) for each in (sums, sums.cumsum(axis=1)))
        of_a_frame = sum(np.square((part - mean).cumsum(axis=1)).sum() for part in parts) / frames
        number = of_a_frame / cumulative.sum() if cumulative.sum() > 0 else frames
        return cls(mean, variance, cumulative, float(min(number, frames)))

    def apart(self, other: Distances) -> Difference:
        """Return how far another sample is."""
        difference = self.shares - other.shares
        return Difference(float(np.abs(difference).sum()), float(np.abs(difference.cumsum()).sum() * WIDTH))

    def floor(self, other: Distances) -> Difference:
        """Return how far the samples would be apart, on average, if both were of one distribution.

        Of a normal distribution around 0, the mean absolute value is √(2 V/π).
        """
        l1, w1 = (
            float(np.sqrt(2 / np.pi * (own + of_other)).sum())
            for own, of_other in (
                (self.variance, other.variance),
                (self.cumulative_variance, other.cumulative_variance),
            )
        )
        return Difference(l1, w1 * WIDTH)


def distributions(positions: FloatArray) -> FloatArray:
    """Return the distribution of distances in each frame: shape (frames, atoms, 3) → (frames, bins), each of sum 1."""
    first, second = np.triu_indices(positions.shape[1], 1)
    distances = np.linalg.norm(positions[:, first] - positions[:, second], axis=2)
    bins = np.minimum((distances / WIDTH).astype(int), BINS - 1) + BINS * np.arange(len(positions))[:, None]
    counts = np.bincount(bins.ravel(), minlength=BINS * len(positions)).reshape(-1, BINS)
    return (counts / len(first)).astype(np.float32)
