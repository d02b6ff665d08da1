"""Means over test frames that are not independent: molecules and stretches of time are."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from potbench.errors import SettingError
from potbench.statistics.interval import CONFIDENCE, Interval, Source, half_width, require_finite
from potbench.structures import FloatArray, IntArray

FEWEST_BLOCKS = 10
# blocks this many correlation times long are nearly independent
BLOCK_LENGTH = 5
# Sokal's window, in correlation times
WINDOW = 5


class BlockMean(NamedTuple):
    """A mean over test frames, and how far it varies with the frames.

    Attributes:
        mean: over the frames.
        source: its variation; `number` is that of the blocks, `variance` infinite for a single one.
    """

    mean: float
    source: Source

    def interval(self, confidence: float = CONFIDENCE) -> Interval | None:
        """Return mean ± t · √V with one degree of freedom less than blocks; None for fewer than 10 blocks."""
        if self.source.number < FEWEST_BLOCKS:
            return None
        width = half_width([self.source], confidence)
        return Interval(self.mean - width, self.mean + width)

    def root(self) -> BlockMean:
        """Return the RMSE of a mean of squared errors: V(RMSE) = V(MSE) / (4 MSE)."""
        scale = 4 * self.mean if self.mean > 0 else 1.0  # without any error nothing varies
        return BlockMean(math.sqrt(self.mean), self.source._replace(variance=self.source.variance / scale))


class BlockSums(NamedTuple):
    """Sums over the frames of each block.

    Attributes:
        values: Σ w x, shape (blocks,).
        weights: Σ w, shape (blocks,).
    """

    values: FloatArray
    weights: FloatArray


def block_sums(values: FloatArray, blocks: IntArray, weights: FloatArray | None = None) -> BlockSums:
    """Sum values and weights over the frames of each block.

    Args:
        values: shape (frames,).
        blocks: shape (frames,); frames with the same number belong together, and different numbers are independent.
        weights: shape (frames,), of each frame in the mean: the number of atoms for an error per force component;
            None where all count alike.

    Raises:
        SettingError: a value is not finite, there is no frame, or the shapes differ.
    """
    weights = np.ones(len(values)) if weights is None else weights
    require_finite(block_mean, values=values, weights=weights)
    if len(values) == 0 or not len(values) == len(blocks) == len(weights):
        sizes = f"There are {len(values)} values, {len(blocks)} blocks and {len(weights)} weights"
        raise SettingError(block_mean, "blocks", blocks, "one of each for every frame", sizes)
    _, block = np.unique(blocks, return_inverse=True)
    sums = np.zeros((2, int(block.max()) + 1))
    np.add.at(sums[0], block, weights * values)
    np.add.at(sums[1], block, weights)
    return BlockSums(*sums)


def block_mean(values: FloatArray, blocks: IntArray, weights: FloatArray | None = None) -> BlockMean:
    """Average over test frames, with the variance of the mean from blocks of frames.

    m = Σ T / Σ n,   V = B/(B − 1) · Σ (T − m n)² / (Σ n)²,   T and n the sums of values and weights of a block

    Source: Cochran, Sampling Techniques, 3rd ed. (1977), section 9A (ratio to size).

    Args:
        values: shape (frames,).
        blocks: shape (frames,), the block of each frame: `time_blocks`, molecules, or the frames themselves.
        weights: shape (frames,); None where all count alike.

    Raises:
        SettingError: a value is not finite, there is no frame, or the shapes differ.
    """
    sums = block_sums(values, blocks, weights)
    total, number = float(sums.weights.sum()), len(sums.weights)
    mean = float(sums.values.sum()) / total
    if number == 1:
        return BlockMean(mean, Source(math.inf, 1))
    residual = sums.values - mean * sums.weights
    variance = number / (number - 1) * float(residual @ residual) / total**2
    return BlockMean(mean, Source(variance * number, number))


def correlation_time(values: FloatArray) -> float:
    """Return the integrated autocorrelation time of a series, in steps of it; 1 where nothing is correlated.

    τ = 1 + 2 Σ ρ(k), k = 1 … K,   K the first with K ≥ 5 τ(K)

    Source: Sokal, in Functional Integration (1997), 131, doi:10.1007/978-1-4899-0319-8_6.

    Args:
        values: shape (frames,), in the order of time: absolute errors, since energies themselves oscillate.

    Raises:
        SettingError: a value is not finite.
    """
    require_finite(correlation_time, values=values)
    num_frames = len(values)
    if num_frames < 2 or np.ptp(values) == 0:
        return 1.0
    # padded to twice the length, so that the ends do not meet
    spectrum = np.fft.rfft(values - np.mean(values), 2 * num_frames)
    autocovariance = np.fft.irfft(np.abs(spectrum) ** 2)[:num_frames]
    times = 1 + 2 * np.cumsum(autocovariance[1:] / autocovariance[0])
    wide_enough = np.arange(1, num_frames) >= WINDOW * times
    last = int(np.argmax(wide_enough)) if wide_enough.any() else -1
    return max(1.0, float(times[last]))


def time_blocks(times: IntArray, correlation: float, shortest: int = 100) -> IntArray:
    """Divide the test frames of one trajectory into stretches of time of equal length.

    A stretch is at least 5 correlation times long, and at least `shortest`. A mean over fewer than 10 of them has no
    interval: the frames are too correlated.

    Args:
        times: shape (frames,), the place of each test frame in its trajectory, in steps; in any order.
        correlation: of the errors in the order of time, in test frames; the longest of all architectures.
        shortest: in steps; 100 of 0.5 fs pass the periods of the vibrations.

    Returns:
        The block of each frame, shape (frames,).
    """
    span = int(times.max() - times.min()) + 1
    length = max(shortest, BLOCK_LENGTH * correlation * span / len(times))
    num_blocks = max(1, int(span / length))
    blocks: IntArray = (times - times.min()) * num_blocks // span
    return blocks
