"""Frames of a store → Batch."""

from __future__ import annotations

from potbench.batches import assemble
from potbench.loading.kept_features import KeptFeatures
from potbench.loading.store import Store
from potbench.structures import Batch, IntArray


def gather(store: Store, frames: IntArray, kept: KeptFeatures | None = None) -> Batch:
    """Lay some frames of a store end to end, by index arrays alone.

    Args:
        store: the dataset.
        frames: shape (molecules,), which frames.
        kept: features that were computed earlier for these frames, or None.
    """
    atoms = store.atoms_of(frames)
    return assemble(
        atoms.atomic_numbers,
        store.positions[atoms.rows],
        atoms.atoms_per_frame,
        store.energy[frames],
        None if store.forces is None else store.forces[atoms.rows],
        frames,
        None if kept is None else kept.of(atoms.rows),
    )
