"""Features that were computed once, of the frames of a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.structures import FloatArray
from potbench.training.feature_cache.chain_rule import SizeGroup, chain_rule
from potbench.training.feature_cache.derivatives import Derivatives


@dataclass(frozen=True)
class BatchFeatures:
    """Features of the atoms of one batch, as `potbench.batch.CachedFeatures` asks.

    Args:
        features: shape (atoms, features).
        groups: derivatives of the features of all molecules, where they were computed.
    """

    features: Tensor
    groups: tuple[SizeGroup, ...] | None = None

    @property
    def position_gradient(self) -> Callable[[Tensor], Tensor] | None:
        """Return the chain rule, ∂E/∂G → ∂E/∂x, where derivatives are at hand."""
        groups = self.groups
        return None if groups is None else lambda to_features: chain_rule(to_features, groups)

    def to(self, device: torch.device) -> Self:
        """Return the same on another device; derivatives are there already."""
        groups = None if self.groups is None else tuple(group.to(device) for group in self.groups)
        return replace(self, features=self.features.to(device), groups=groups)


@dataclass(frozen=True)
class FeatureTable:
    """Features of frames of a store, and perhaps their derivatives.

    Args:
        features: shape (rows, features), the atoms of each frame in consecutive rows; may be memory-mapped.
        first_row: shape (frames of the store,), int64, row of the first atom of each frame, −1 where it has none.
        derivatives: number of atoms → derivatives of molecules of that size, on the device that trains; or None.
        derivatives_row: shape (frames of the store,), int64, place of each frame among those of its size.
    """

    features: FloatArray
    first_row: Tensor
    derivatives: dict[int, Derivatives] | None = None
    derivatives_row: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """Return the bytes that features and derivatives take."""
        return self.features.nbytes + sum(each.nbytes for each in (self.derivatives or {}).values())

    def attach(self, batch: Batch) -> Batch:
        """Return a batch, on the host, with its features; as it is where a frame of it has none."""
        first_row = self.first_row[batch.frame]
        if (first_row < 0).any():
            return batch
        first_atom = batch.atoms_per_molecule.cumsum(0) - batch.atoms_per_molecule
        rows = torch.arange(len(batch.molecule_index)) + (first_row - first_atom)[batch.molecule_index]
        features = torch.from_numpy(self.features[rows.numpy()]).to(batch.positions.dtype)
        return batch._replace(cached=BatchFeatures(features, self._groups(batch, first_atom)))

    def _groups(self, batch: Batch, first_atom: Tensor) -> tuple[SizeGroup, ...] | None:
        if self.derivatives is None or self.derivatives_row is None:
            return None
        groups = []
        for size in np.unique(batch.atoms_per_molecule.numpy()).tolist():
            molecules = torch.nonzero(batch.atoms_per_molecule == size).squeeze(1)
            atoms = first_atom[molecules].unsqueeze(1) + torch.arange(size)
            rows = self.derivatives_row[batch.frame[molecules]]
            groups.append(SizeGroup(self.derivatives[size], rows, atoms))
        return tuple(groups)
