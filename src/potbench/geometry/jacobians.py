"""Derivatives of features with respect to positions, computed once instead of at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from potbench.geometry.padding import slots
from potbench.structures import Batch, Jacobians

CHUNK = 2**21
"""Bytes of derivatives that are read at once: so many stay near the processor while they are used."""


def jacobians(features: Callable[[Batch], Tensor], batch: Batch) -> Tensor:
    """∂G/∂x by forward differentiation, one atom of all molecules and one direction at a time.

    Args:
        features: batch → features of each atom, of shape (atoms, features), which depend on the positions of its own
            molecule alone.
        batch: molecules of one size.

    Returns:
        Shape (molecules, atoms · 3, atoms · features), in Å⁻¹.
    """

    def at(positions: Tensor) -> Tensor:
        return features(batch.at(positions))

    size = batch.largest_molecule
    place = slots(batch) % size
    columns = []
    for moved in range(size):
        for axis in range(3):
            direction = torch.zeros_like(batch.positions)
            direction[:, axis] = place == moved
            columns.append(torch.func.jvp(at, (batch.positions,), (direction,))[1])
    of_molecules = [column.view(len(batch.atoms_per_molecule), -1) for column in columns]
    return torch.stack(of_molecules, dim=1)


def chain_rule(to_features: Tensor, jacobians: Jacobians) -> Tensor:
    """∂E/∂x = Σᵢ ∂E/∂Gᵢ · ∂Gᵢ/∂x over the atoms i of a molecule.

    Args:
        to_features: ∂E/∂G, shape (atoms, features), in eV; it can be differentiated.
        jacobians: ∂G/∂x.

    Returns:
        Shape (atoms, 3), in eV/Å.
    """
    gradient: Tensor = _ChainRule.apply(to_features, jacobians)  # type: ignore[no-untyped-call]
    return gradient


class _ChainRule(torch.autograd.Function):
    """Rows of the tables are read where they are needed, forwards and backwards: to copy them takes twice as long."""

    @staticmethod
    def forward(context: Any, to_features: Tensor, jacobians: Jacobians) -> Tensor:
        context.jacobians, context.num_features = jacobians, to_features.shape[1]
        gradient = to_features.new_empty(len(to_features), 3)
        for table, rows, atoms in _chunks(jacobians):
            given = to_features.index_select(0, atoms).view(len(rows), 1, -1)
            gradient.index_copy_(0, atoms, (given @ table.index_select(0, rows).mT).view(-1, 3))
        return gradient

    @staticmethod
    def backward(context: Any, to_gradient: Tensor) -> tuple[Tensor, None]:
        result = to_gradient.new_empty(len(to_gradient), context.num_features)
        for table, rows, atoms in _chunks(context.jacobians):
            given = to_gradient.index_select(0, atoms).view(len(rows), 1, -1)
            result.index_copy_(0, atoms, (given @ table.index_select(0, rows)).view(len(atoms), -1))
        return result, None


def _chunks(jacobians: Jacobians) -> list[tuple[Tensor, Tensor, Tensor]]:
    chunks: list[tuple[Tensor, Tensor, Tensor]] = []
    for table, rows, atoms in jacobians.blocks:
        length = max(1, CHUNK // table[0].nbytes) if table.is_cpu else len(rows)
        chunks += [
            (table, rows[start : start + length], atoms[start : start + length].flatten())
            for start in range(0, len(rows), length)
        ]
    return chunks
