"""Frames of a store → Batch."""

from __future__ import annotations

import torch

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
    batch = Batch.from_arrays(
        atoms.atomic_numbers,
        store.positions[atoms.rows],
        atoms.atoms_per_frame,
        store.energy[frames],
        None if store.forces is None else store.forces[atoms.rows],
        frames,
    )
    if not store.manifest.partial:
        return batch
    energy, forces = store.energy_known, store.forces_known
    return batch._replace(
        energy_known=None if energy is None else torch.from_numpy(energy[frames]),
        forces_known=None if forces is None else torch.from_numpy(forces[frames]),
    )
