"""Cached features of the frames of a store, and of the batches made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from potbench.batch import Batch
from potbench.structures import FloatArray, IntArray
from potbench.training.feature_cache.chain_rule import SizeGroup, chain_rule
from potbench.training.feature_cache.derivatives import Derivatives


@dataclass(frozen=True)
class BatchFeatures:
    """Features of the atoms of one batch: a `potbench.batch.CachedFeatures`.

    Args:
        features: shape (atoms, features).
        groups: all molecules, with the derivatives of their features; None where these are not cached.
    """

    features: Tensor
    groups: tuple[SizeGroup, ...] | None = None

    @property
    def position_gradient(self) -> Callable[[Tensor], Tensor] | None:
        """Return the chain rule, ∂E/∂G → ∂E/∂x, where derivatives are cached."""
        groups = self.groups
        return None if groups is None else lambda to_features: chain_rule(to_features, groups)

    def map(self, change: Callable[[Tensor], Tensor]) -> Self:
        """Return the same with features and indices changed; the derivatives are those of all frames."""
        groups = None if self.groups is None else tuple(group.map(change) for group in self.groups)
        return type(self)(change(self.features), groups)


@dataclass(frozen=True)
class FeatureTable:
    """Cached features of frames of a store, and perhaps their derivatives.

    Args:
        features: shape (rows, features), the atoms of each frame in consecutive rows; may be memory-mapped.
        first_row: shape (frames of the store,), row of the first atom of each frame; −1 where it is not cached.
        derivatives: number of atoms → derivatives of the frames of that size, on the device that trains.
        derivatives_row: shape (frames of the store,), index of each frame among those of its size.
    """

    features: FloatArray
    first_row: IntArray
    derivatives: dict[int, Derivatives] | None = None
    derivatives_row: IntArray | None = None

    @property
    def nbytes(self) -> int:
        """Return the bytes that features and derivatives take."""
        return self.features.nbytes + sum(each.nbytes for each in (self.derivatives or {}).values())

    def attach(self, batch: Batch) -> Batch:
        """Return a batch, on the host, with its features; unchanged if one of its frames is not cached."""
        # at every step; torch takes 0.1 ms longer than numpy
        frames, counts = batch.frame.numpy(), batch.atoms_per_molecule.numpy()
        first_row = self.first_row[frames]
        if first_row.min() < 0:
            return batch
        first_atom = np.cumsum(counts) - counts
        rows = np.repeat(first_row - first_atom, counts)
        rows += np.arange(len(rows))
        features = torch.from_numpy(self.features[rows])
        return batch._replace(cached=BatchFeatures(features, self._groups(frames, counts, first_atom)))

    def _groups(self, frames: IntArray, counts: IntArray, first_atom: IntArray) -> tuple[SizeGroup, ...] | None:
        if self.derivatives is None or self.derivatives_row is None:
            return None
        groups = []
        for size in np.unique(counts).tolist():
            molecules = np.flatnonzero(counts == size)
            rows = torch.from_numpy(self.derivatives_row[frames[molecules]])
            atoms = torch.from_numpy(first_atom[molecules, None] + np.arange(size))
            groups.append(SizeGroup(self.derivatives[size], rows, atoms))
        return tuple(groups)
