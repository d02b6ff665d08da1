"""Frames of a store → Batch."""

from __future__ import annotations

from potbench.batch import Batch
from potbench.loading.store import Store
from potbench.structures import IntArray


def gather(store: Store, frames: IntArray) -> Batch:
    """Concatenate some frames of a store, by index arrays alone.

    Args:
        store: the dataset.
        frames: shape (molecules,), which frames.
    """
    atoms = store.atoms_of(frames)
    return Batch.from_arrays(
        atoms.atomic_numbers,
        store.positions[atoms.rows],
        atoms.atoms_per_frame,
        store.energy[frames],
        None if store.forces is None else store.forces[atoms.rows],
        frames,
    )
