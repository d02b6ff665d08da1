"""Frames of a store → Batch."""

from __future__ import annotations

from potbench.batches import assemble
from potbench.loading.store import Store
from potbench.structures import Batch, FloatArray, IntArray


def gather(store: Store, frames: IntArray, features: FloatArray | None = None) -> Batch:
    """Lay some frames of a store end to end, by index arrays alone.

    Args:
        store: the dataset.
        frames: shape (molecules,), which frames.
        features: shape (atoms of the store, features), cached for every atom of the store, or None.
    """
    atoms = store.atoms_of(frames)
    return assemble(
        atoms.atomic_numbers,
        store.positions[atoms.rows],
        atoms.atoms_per_frame,
        store.energy[frames],
        None if store.forces is None else store.forces[atoms.rows],
        frames,
        None if features is None else features[atoms.rows],
    )
