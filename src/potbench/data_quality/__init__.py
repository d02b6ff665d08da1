"""Looking at a prepared dataset as a careful scientist would: (store) → findings."""

from __future__ import annotations

from potbench.data_quality import duplicates, energies, forces, numbers, structure
from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.sample import draw
from potbench.loading import Store

__all__ = ["Finding", "Verdict", "cheap", "inspect"]

CHEAP_SAMPLE = 2000


def inspect(store: Store, num_frames: int, seed: int) -> list[Finding]:
    """Everything there is to look at.

    Args:
        store: the dataset.
        num_frames: how many frames, drawn at random, are looked at where all would take too long.
        seed: seed of the draw.

    Returns:
        What was found; where numbers are NaN or infinite, that alone.
    """
    finite = numbers.finite(store)
    if finite.verdict is Verdict.WRONG:
        return [finite]  # the rest would be of no worth
    return [
        finite,
        duplicates.exact(store),
        duplicates.near(store, seed),
        *_sampled(store, num_frames, seed),
        energies.outliers(store),
    ]


def cheap(store: Store) -> list[Finding]:
    """What takes a moment, for every dataset that is prepared."""
    return _sampled(store, CHEAP_SAMPLE, 0)


def _sampled(store: Store, num_frames: int, seed: int) -> list[Finding]:
    frames = draw(store, num_frames, seed)
    together = forces.belong(store, seed)
    return [
        *structure.distances(store, frames),
        energies.plausible(store),
        *forces.net(store, frames),
        *([together] if together else []),
    ]
