"""Pairs of atoms, found by tensor operations on the device of the batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch

SMALL = 50
"""Atoms of a molecule up to which most of its pairs are within a cutoff of 5 Å."""
LARGE = 1000
"""Atoms of a molecule from which on a CPU searches for the pairs that are near: a tenth of the time at 2,000 atoms."""
MANY = 2**24
"""Pairs of a batch from which on those that are near are searched for, for lack of memory for all."""


class Pairs(NamedTuple):
    """Pairs of atoms of one molecule, each listed once; both atoms of a pair interact with each other.

    Attributes:
        first: shape (pairs,), int64, index of one atom.
        second: shape (pairs,), int64, index of the other.
        vectors: shape (pairs, 3), from the first to the second, in Å.
        distances: shape (pairs,), in Å.
    """

    first: Tensor
    second: Tensor
    vectors: Tensor
    distances: Tensor

    @property
    def both_ways(self) -> Tensor:
        """Return each pair twice, from the first to the second and back: shape (2, 2 · pairs)."""
        return torch.stack([torch.cat([self.first, self.second]), torch.cat([self.second, self.first])])


def keeps_shapes(batch: Batch) -> bool:
    """Return whether no shape may follow from positions: in programs that are exported, or compiled for training."""
    return batch.keeps_shapes or torch.compiler.is_exporting()


def pairs_in_molecules(batch: Batch) -> Tensor:
    """List every pair of atoms of one molecule once, the earlier atom first: shape (2, pairs), int64."""
    first_atom = (batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule).index_select(0, batch.molecule_index)
    num_earlier = torch.arange(first_atom.shape[0], device=first_atom.device) - first_atom
    # with output_size given, the host does not synchronize with the device to count the pairs
    later = torch.repeat_interleave(num_earlier, output_size=batch.num_pairs)
    # 0 1 2 … for the pairs of each later atom, counted from the first atom of its molecule
    start = first_atom - (num_earlier.cumsum(0) - num_earlier)
    return torch.stack([torch.arange(batch.num_pairs, device=later.device) + start.index_select(0, later), later])


def candidate_pairs(batch: Batch, cutoff: float | None) -> Tensor:
    """List pairs like `pairs_in_molecules`; of more than MANY, or of LARGE molecules, those alone that may be near.

    The order is the same, so that what is summed over the pairs within the cutoff is the same to the last digit.

    Args:
        batch: the molecules.
        cutoff: in Å; None for all pairs.
    """
    is_large = batch.positions.is_cpu and batch.largest_molecule >= LARGE
    if cutoff is None or keeps_shapes(batch) or (batch.num_pairs <= MANY and not is_large):
        return batch.once("pairs", lambda: pairs_in_molecules(batch))
    from scipy.spatial import cKDTree

    found, start = [], 0
    for positions in torch.split(batch.positions.detach().cpu().double(), batch.atoms_per_molecule.tolist()):
        # a little more: in single precision, distances are rounded
        near = cKDTree(positions.numpy()).query_pairs(cutoff * 1.0001, output_type="ndarray")
        found.append(torch.from_numpy(near[np.lexsort((near[:, 0], near[:, 1]))].T + start))
        start += len(positions)
    return torch.cat(found, dim=1).to(batch.positions.device, torch.int64)


def pairs_within(batch: Batch, cutoff: float | None) -> Pairs:
    """List every pair of atoms of one molecule within a cutoff; pairs beyond it may be among them.

    On a CPU, and with large molecules, pairs beyond the cutoff are removed. Otherwise they stay, since to count the
    others the host would synchronize with the device: whatever is summed over pairs must vanish beyond the cutoff. They
    stay where shapes must, too.

    Args:
        batch: the molecules.
        cutoff: in Å; None for all pairs.
    """
    first, second = candidate_pairs(batch, cutoff)
    vectors = batch.positions.index_select(0, second) - batch.positions.index_select(0, first)
    counted = not keeps_shapes(batch) and (batch.positions.is_cpu or batch.largest_molecule > SMALL)
    if cutoff is not None and counted:
        near = torch.nonzero(vectors.detach().square().sum(dim=1) < cutoff**2).squeeze(1)
        first, second, vectors = (each.index_select(0, near) for each in (first, second, vectors))
    return Pairs(first, second, vectors, vectors.norm(dim=1))
