"""What a careful scientist would examine in a prepared dataset: (store) → findings."""

from __future__ import annotations

from potbench.data_quality import duplicates, energies, numbers
from potbench.data_quality.finding import Finding, Verdict
from potbench.data_quality.sampled import sampled
from potbench.data_quality.stored_findings import cheap, first_look
from potbench.errors import SettingError
from potbench.loading import Store

__all__ = ["Finding", "Verdict", "cheap", "first_look", "inspect"]


def inspect(store: Store, num_frames: int, seed: int) -> list[Finding]:
    """Examine everything.

    Args:
        store: the dataset.
        num_frames: how many frames, drawn at random, are examined where all would take too long.
        seed: seed of the draw.

    Returns:
        What was found; where numbers are NaN or infinite, that alone.

    Raises:
        SettingError: the seed is below zero.
    """
    if seed < 0:
        raise SettingError(inspect, "seed", seed, "0 or more")
    finite = numbers.finite(store)
    if finite.verdict is Verdict.WRONG:
        return [finite]  # nothing else can be computed
    original = duplicates.originals(store)
    return [
        numbers.unchanged(store),
        finite,
        duplicates.exact(store, original),
        duplicates.contradicting(store, original),
        duplicates.near(store, seed),
        *sampled(store, num_frames, seed),
        energies.outliers(store),
    ]
