"""Pairs of atoms, found by tensor operations where the batch lies."""

from __future__ import annotations

import torch
from torch import Tensor

from potbench.structures import Batch


def pairs_in_molecules(batch: Batch) -> Tensor:
    """Every pair of atoms of one molecule, once, the earlier atom first: shape (2, pairs), int64."""
    molecule = batch.molecule
    first = (batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule)[molecule]
    num_earlier = torch.arange(len(molecule), device=molecule.device) - first
    later = torch.repeat_interleave(num_earlier)
    # 0 1 2 … for the pairs of each later atom
    count = torch.arange(len(later), device=molecule.device) - (num_earlier.cumsum(0) - num_earlier)[later]
    return torch.stack([first[later] + count, later])
