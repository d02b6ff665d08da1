"""Features of some frames and their derivatives, in memory."""

from __future__ import annotations

import numpy as np
import torch

from potbench.loading.collate import gather
from potbench.loading.store import Store
from potbench.potentials.atomic import AtomicPotential
from potbench.structures import IntArray
from potbench.training.feature_cache.chain_rule import jacobians
from potbench.training.feature_cache.derivatives import divide
from potbench.training.feature_cache.table import FeatureTable

FRAMES_AT_ONCE = 128


def size_in_memory(store: Store, frames: IntArray, potential: AtomicPotential) -> int:
    """Return the bytes that features and derivatives of these frames take, in torch's default dtype."""
    atoms = store.atoms_of(frames).atoms_per_frame
    numbers = (atoms * (3 * atoms + 1)).sum() * potential.representation.num_features
    return int(numbers) * torch.get_default_dtype().itemsize


def in_memory(store: Store, frames: IntArray, potential: AtomicPotential) -> FeatureTable:
    """Compute the features of some frames and their derivatives with respect to the positions.

    Args:
        store: the dataset.
        frames: shape (frames,), indices, none twice.
        potential: a potential whose representation has no weights.
    """
    counts = store.atoms_of(frames).atoms_per_frame
    first_row, derivatives_row = np.full(len(store), -1), np.full(len(store), -1)
    first_row[frames] = np.cumsum(counts) - counts
    features = torch.empty(int(counts.sum()), potential.representation.num_features)
    derivatives = {}
    for size in np.unique(counts).tolist():
        these = frames[counts == size]
        derivatives_row[these] = np.arange(len(these))
        device = potential.get_buffer("element_of_number").device
        table = torch.empty(len(these), 3 * size, size * features.shape[1], device=device)
        for start in range(0, len(these), FRAMES_AT_ONCE):
            some = these[start : start + FRAMES_AT_ONCE]
            batch = gather(store, some).to(device)
            rows = first_row[some, None] + np.arange(size)
            with torch.no_grad():
                features[torch.from_numpy(rows).flatten()] = potential.features(batch).cpu()
                table[start : start + len(some)] = jacobians(potential.features, batch)
        derivatives[size] = divide(table, size)
    return FeatureTable(features.numpy(), first_row, derivatives, derivatives_row)
