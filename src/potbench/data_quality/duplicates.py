"""Frames that are in a dataset more than once."""

from __future__ import annotations

import numpy as np

from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.leakage import nearest_distances
from potbench.data_quality.sample import draw, grouped
from potbench.loading import Store

NEAR = 1e-3
HALF = 500


def exact(store: Store) -> Finding:
    """Find frames whose positions are equal to the last bit, among all frames."""
    hashes = np.empty(len(store), dtype=np.uint64)
    for group in grouped(store, np.arange(len(store))):
        bits = group.positions.reshape(len(group.frames), -1).view(np.uint64)
        # odd factors, and sums that wrap around: equal rows give equal sums in whatever order they are added
        factors = np.random.default_rng(0).integers(0, 2**63, bits.shape[1], dtype=np.uint64) | np.uint64(1)
        hashes[group.frames] = (bits * factors).sum(axis=1)
    _, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    copies = int((counts - 1).sum())
    example = f", such as that of frame {first[np.argmax(counts)]}" if copies else ""
    return Finding(
        "copies",
        Verdict.LOOK if copies else Verdict.FINE,
        f"{copies:,} of {len(store):,} frames are copies of another{example}",
        "none: in the training and the test set, they leak",
    )


def near(store: Store, seed: int) -> Finding:
    """Find frames that differ by less than NEAR in their interatomic distances, in two random halves of a sample."""
    frames = np.random.default_rng(seed).permutation(draw(store, 12 * HALF, seed))
    half = min(HALF, len(frames) // 2)
    distances = nearest_distances(store, frames[:half], frames[half:])
    alike = int((distances < NEAR).sum())
    return Finding(
        "near copies",
        Verdict.LOOK if alike > 0.01 * half else Verdict.FINE,
        f"{alike:,} of {half:,} frames have one within {NEAR:g} Å among {len(frames) - half:,} others",
        "few: in the training and the test set, they leak",
    )
