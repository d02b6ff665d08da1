"""Features and their derivatives, of some frames, in memory."""

from __future__ import annotations

import numpy as np
import torch

from potbench.geometry.jacobian_parts import divide
from potbench.geometry.jacobians import jacobians
from potbench.loading.collate import gather
from potbench.loading.kept_features import KeptFeatures, KeptJacobians
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential
from potbench.structures import IntArray

FRAMES_AT_ONCE = 128


def size_in_memory(store: Store, frames: IntArray, potential: AtomicPotential) -> int:
    """Bytes that features and derivatives of these frames take, in torch's default dtype."""
    atoms = store.atoms_of(frames).atoms_per_frame
    numbers = (atoms * (3 * atoms + 1)).sum() * potential.representation.num_features
    return int(numbers) * torch.get_default_dtype().itemsize


def kept_jacobians(store: Store, frames: IntArray, potential: AtomicPotential) -> KeptFeatures:
    """Compute what the representation of a potential says of some frames, and how it changes with the positions.

    Args:
        store: the dataset.
        frames: shape (frames,), those that are wanted, each once.
        potential: has a representation without weights.
    """
    atoms = store.atoms_of(frames)
    row_of_atom, row_of_frame = np.full(len(store.positions), -1), torch.full((len(store),), -1)
    row_of_atom[atoms.rows] = np.arange(len(atoms.rows))
    features = torch.empty(len(atoms.rows), potential.representation.num_features)
    derivatives = {}
    for size in np.unique(atoms.atoms_per_frame).tolist():
        these = frames[atoms.atoms_per_frame == size]
        row_of_frame[these] = torch.arange(len(these))
        device = potential.get_buffer("element_of_number").device
        table = torch.empty(len(these), 3 * size, size * features.shape[1], device=device)
        for start in range(0, len(these), FRAMES_AT_ONCE):
            some = these[start : start + FRAMES_AT_ONCE]
            batch = gather(store, some).to(device)
            with torch.no_grad():
                features[row_of_atom[store.atoms_of(some).rows]] = potential.features(batch).cpu()
                table[start : start + len(some)] = jacobians(potential.features, batch)
        derivatives[size] = divide(table, size)
    return KeptFeatures(features.numpy(), row_of_atom, KeptJacobians(derivatives, row_of_frame))
