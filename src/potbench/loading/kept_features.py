"""Features that were computed once, and the atoms and frames they belong to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from potbench.structures import Batch, Block, Derivatives, FloatArray, IntArray, Jacobians


class KeptFeatures(NamedTuple):
    """Features of atoms of a store, to be gathered with them.

    Attributes:
        features: shape (rows, features).
        row: shape (atoms of the store,), which row is of which atom, −1 for none; None where the rows are the atoms.
        jacobians: derivatives of the features, where forces are trained.
    """

    features: FloatArray
    row: IntArray | None = None
    jacobians: KeptJacobians | None = None

    @property
    def nbytes(self) -> int:
        """Bytes that features and derivatives take."""
        derivatives = self.jacobians.derivatives.values() if self.jacobians else ()
        return self.features.nbytes + sum(each.nbytes for each in derivatives)

    def of(self, atoms: IntArray) -> FloatArray | None:
        """Features of atoms, given their rows in the store, shape (atoms,); None if some of them have none."""
        if self.row is None:
            return self.features[atoms]
        rows = self.row[atoms]
        return None if (rows < 0).any() else self.features[rows]


class KeptJacobians(NamedTuple):
    """Derivatives of the features of frames of a store.

    Attributes:
        derivatives: atoms of a molecule → those of molecules of that size, on the device that trains.
        row: shape (frames of the store,), int64, place of each frame among those of its size, −1 for none.
    """

    derivatives: dict[int, Derivatives]
    row: Tensor

    def of(self, batch: Batch) -> Jacobians:
        """Those of a batch that was just gathered, with features, on the host."""
        first = batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule
        blocks = []
        for size in np.unique(batch.atoms_per_molecule.numpy()).tolist():
            molecules = torch.nonzero(batch.atoms_per_molecule == size).squeeze(1)
            atoms = first[molecules].unsqueeze(1) + torch.arange(size)
            blocks.append(Block(self.derivatives[size], self.row[batch.frame[molecules]], atoms))
        return Jacobians(tuple(blocks))
