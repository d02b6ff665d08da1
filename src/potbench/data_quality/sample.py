"""Frames to examine, in arrays of equal shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from potbench.loading import Store
from potbench.structures import FloatArray, IntArray

FRAMES_AT_ONCE = 20_000


class Group(NamedTuple):
    """Frames with equally many atoms.

    Attributes:
        frames: shape (frames,), indices in the store.
        atomic_numbers: shape (frames, atoms).
        positions: shape (frames, atoms, 3), in Å, float64.
        forces: shape (frames, atoms, 3), in eV/Å, float64, or None.
    """

    frames: IntArray
    atomic_numbers: IntArray
    positions: FloatArray
    forces: FloatArray | None


def draw(store: Store, num_frames: int, seed: int) -> IntArray:
    """Return some frames of a store at random, ascending; all of them, where there are no more."""
    if num_frames >= len(store):
        return np.arange(len(store))
    return np.sort(np.random.default_rng(seed).choice(len(store), num_frames, replace=False))


def grouped(store: Store, frames: IntArray) -> Iterator[Group]:
    """Yield frames in groups of equally many atoms, no more than FRAMES_AT_ONCE at once."""
    for start in range(0, len(frames), FRAMES_AT_ONCE):
        some = frames[start : start + FRAMES_AT_ONCE]
        counts = store.atoms_of(some).atoms_per_frame
        for num_atoms in np.unique(counts):
            chosen = some[counts == num_atoms]
            atoms = store.atoms_of(chosen)
            shape = (len(chosen), int(num_atoms), 3)
            forces = None if store.forces is None else store.forces[atoms.rows].astype(np.float64).reshape(shape)
            positions = store.positions[atoms.rows].astype(np.float64).reshape(shape)
            yield Group(chosen, atoms.atomic_numbers.reshape(shape[:2]), positions, forces)
