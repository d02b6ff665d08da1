"""Derivatives of features with respect to positions, and the chain rule from features to forces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from potbench.batch import Batch
from potbench.geometry.padding import slots
from potbench.training.feature_cache.derivatives import Derivatives


class SizeGroup(NamedTuple):
    """Molecules of a batch that have the same number of atoms, and where their derivatives are.

    Attributes:
        derivatives: derivatives of all cached frames of this size, on the device that trains.
        rows: shape (molecules,), int64, index of each molecule among those frames.
        atoms: shape (molecules, atoms), int64, index of their atoms in the batch.
    """

    derivatives: Derivatives
    rows: Tensor
    atoms: Tensor

    def map(self, change: Callable[[Tensor], Tensor]) -> SizeGroup:
        """Return the group with its indices changed; the derivatives are those of all frames, where they are used."""
        return self._replace(rows=change(self.rows), atoms=change(self.atoms))


def jacobians(features: Callable[[Batch], Tensor], batch: Batch) -> Tensor:
    """Compute ∂G/∂x by forward differentiation, for one coordinate of all molecules at a time.

    Args:
        features: batch → features of each atom, of shape (atoms, features), which depend on its own molecule alone.
        batch: molecules of one size.

    Returns:
        Shape (molecules, atoms · 3, atoms · features), in Å⁻¹.
    """

    def at(positions: Tensor) -> Tensor:
        return features(batch.with_positions(positions))

    size = batch.largest_molecule
    atom_of_molecule = slots(batch) % size
    columns = []
    for atom in range(size):
        for axis in range(3):
            direction = torch.zeros_like(batch.positions)
            direction[:, axis] = atom_of_molecule == atom
            columns.append(torch.func.jvp(at, (batch.positions,), (direction,))[1])
    return torch.stack([column.view(len(batch.atoms_per_molecule), -1) for column in columns], dim=1)


def chain_rule(to_features: Tensor, groups: tuple[SizeGroup, ...]) -> Tensor:
    """Compute ∂E/∂x = Σᵢ ∂E/∂Gᵢ · ∂Gᵢ/∂x over the atoms i of a molecule.

    Args:
        to_features: ∂E/∂G, shape (atoms, features), in eV; it can be differentiated.
        groups: all molecules of a batch, by their number of atoms.

    Returns:
        Shape (atoms, 3), in eV/Å.
    """
    gradient: Tensor = _ChainRule.apply(to_features, groups)  # type: ignore[no-untyped-call]
    return gradient


class _ChainRule(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, to_features: Tensor, groups: tuple[SizeGroup, ...]) -> Tensor:
        context.groups, context.num_features = groups, to_features.shape[1]
        gradient = to_features.new_empty(len(to_features), 3)
        for (own, parts, features), rows, atoms in groups:
            given = to_features.index_select(0, atoms.flatten())
            result = _products(given, own.flatten(0, 1), _places(rows, own).flatten()).view(len(rows), -1)
            lengths = [part.values.shape[2] for part in parts]
            chosen = torch.split(given.view(len(rows), -1).index_select(1, features), lengths, dim=1)
            for (values, coordinates), vectors in zip(parts, chosen, strict=True):
                result.index_add_(1, coordinates, _products(vectors, values, rows))
            gradient.index_copy_(0, atoms.flatten(), result.view(-1, 3))
        return gradient

    @staticmethod
    def backward(context: Any, to_gradient: Tensor) -> tuple[Tensor, None]:
        to_features = to_gradient.new_empty(len(to_gradient), context.num_features)
        for (own, parts, features), rows, atoms in context.groups:
            given = to_gradient.index_select(0, atoms.flatten())
            result = _sums(given, own.flatten(0, 1), _places(rows, own).flatten()).view(len(rows), -1)
            given = given.view(len(rows), -1)
            sums = [_sums(given.index_select(1, coordinates), values, rows) for values, coordinates in parts]
            result.index_add_(1, features, torch.cat([given[:, :0], *sums], dim=1))
            to_features.index_copy_(0, atoms.flatten(), result.view(-1, context.num_features))
        return to_features, None


# Derivatives are read in place, like rows of an embedding: copying them first takes twice as long.


def _places(rows: Tensor, table: Tensor) -> Tensor:
    """Return the rows of some frames in a table (frames, n, …) flattened to (frames · n, …): shape (rows, n)."""
    return rows.unsqueeze(1) * table.shape[1] + torch.arange(table.shape[1], device=rows.device)


def _sums(weights: Tensor, matrices: Tensor, rows: Tensor) -> Tensor:
    """Multiply each row vector by one of many matrices: shapes (n, m), (frames, m, k), (n,) → (n, k)."""
    sums: Tensor = nn.functional.embedding_bag(
        _places(rows, matrices), matrices.flatten(0, 1), mode="sum", per_sample_weights=weights
    )
    return sums


def _products(vectors: Tensor, matrices: Tensor, rows: Tensor) -> Tensor:
    """Multiply one of many matrices by each column vector: shapes (n, k), (frames, m, k), (n,) → (n, m)."""
    places = _places(rows, matrices)
    first = torch.arange(0, places.numel(), matrices.shape[1], device=rows.device)
    which = torch.arange(len(rows), device=rows.device).repeat_interleave(matrices.shape[1])
    # the gradient of _sums with respect to its weights; by autograd, the sums would be computed as well
    products: Tensor = torch.ops.aten._embedding_bag_per_sample_weights_backward(
        vectors, matrices.flatten(0, 1), places.flatten(), first, which, 0
    )
    return products.view(places.shape)
