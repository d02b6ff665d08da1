"""Features and their derivatives, of some frames, in memory."""

from __future__ import annotations

import numpy as np
import torch

from potbench.geometry.jacobians import jacobians
from potbench.loading.collate import gather
from potbench.loading.kept_features import KeptFeatures
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential
from potbench.structures import IntArray

FRAMES_AT_ONCE = 128


def kept_jacobians(store: Store, frames: IntArray, potential: AtomicPotential) -> KeptFeatures:
    """Compute what the representation of a potential says of some frames, and how it changes with the positions.

    Args:
        store: the dataset.
        frames: shape (frames,), those that are wanted, each once.
        potential: has a representation without weights.
    """
    atoms = store.atoms_of(frames)
    row = np.full(len(store.positions), -1)
    row[atoms.rows] = np.arange(len(atoms.rows))
    num_places = int(atoms.atoms_per_frame.max())
    shape = len(atoms.rows), potential.representation.num_features
    dtype = str(torch.get_default_dtype()).removeprefix("torch.")
    kept = KeptFeatures(np.empty(shape, dtype), np.empty((*shape, num_places, 3), dtype), row)
    device = potential.get_buffer("element_of_number").device
    first = 0
    with torch.no_grad():
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            batch = gather(store, frames[start : start + FRAMES_AT_ONCE]).to(device)
            rows = slice(first, first := first + len(batch.molecule))
            kept.features[rows] = potential.features(batch).cpu().numpy()
            derivatives = jacobians(lambda positions, here=batch: potential.features(here.at(positions)), batch, num_places)
            kept.jacobians[rows] = derivatives.cpu().numpy()
    return kept
