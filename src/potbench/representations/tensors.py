"""Algebra of 3 × 3 matrices, stored as the parts that rotate independently: a 1 + [u]ₓ + S.

A tensor has nine components: a, the multiple of the identity; x, y, z of u, the antisymmetric part; (S_xx − S_yy) / 2,
S_zz / 2, S_xy, S_xz, S_yz of S, symmetric and without trace. A rotation mixes components of the same part only, so that
each part can be multiplied by numbers of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PARTS = (1, 3, 5)
"""Components of each part."""


class TensorAlgebra(nn.Module):
    """Equivariant operations: their results rotate with the molecule. Its tables are constants, not weights."""

    part: Tensor
    weights: Tensor
    to_matrix: Tensor
    to_components: Tensor

    def __init__(self) -> None:
        super().__init__()
        to_matrix = torch.zeros(3, 3, 9)
        to_matrix[range(3), range(3), 0] = 1
        for component, (row, column) in enumerate([(2, 1), (0, 2), (1, 0)], start=1):
            to_matrix[row, column, component], to_matrix[column, row, component] = 1, -1
        for component, diagonal in enumerate([(1, -1, 0), (-1, -1, 2)], start=4):
            to_matrix[range(3), range(3), component] = torch.tensor(diagonal, dtype=to_matrix.dtype)
        for component, (row, column) in enumerate([(0, 1), (0, 2), (1, 2)], start=6):
            to_matrix[row, column, component] = to_matrix[column, row, component] = 1
        to_matrix = to_matrix.flatten(0, 1)
        # sums of squares of the matrix elements of each component
        weights = to_matrix.square().sum(0)
        # multiplied by six: integers stay exact in any precision the table is cast to
        to_components = (to_matrix * 6 / weights).T
        self.register_buffer("part", torch.repeat_interleave(torch.tensor(PARTS)), persistent=False)
        self.register_buffer("weights", weights.unsqueeze(1), persistent=False)
        self.register_buffer("to_matrix", to_matrix, persistent=False)
        self.register_buffer("to_components", to_components.contiguous(), persistent=False)

    def per_component(self, numbers: Tensor) -> Tensor:
        """Repeat the number of each part for its components: shape (…, 3, channels) → (…, 9, channels)."""
        return numbers.index_select(-2, self.part)

    def squares(self, tensors: Tensor) -> Tensor:
        """Sum the squares of the matrix elements of each part; the sums are invariant under rotation.

        Args:
            tensors: shape (atoms, 9, channels).

        Returns:
            Shape (atoms, 3, channels).
        """
        return self._sums(tensors.square())

    def bounded(self, tensors: Tensor) -> Tensor:
        """Scale large tensors down, so that products of products stay finite: shape (atoms, 9, channels)."""
        return tensors / (self.squares(tensors).sum(1, keepdim=True) + 1)

    def products(self, one: Tensor, other: Tensor) -> Tensor:
        """Compute A B + B A of matrices, whose sums of squares, unlike those of A B, are invariant under reflection.

        Whole matrices are multiplied: formulas for the parts take fewer operations, but twice as long.

        Args:
            one: A, shape (atoms, 9, channels).
            other: B, the same shape.

        Returns:
            The same shape.
        """
        a, b = ((self.to_matrix @ tensors).view(tensors.shape[0], 3, 3, -1) for tensors in (one, other))
        both = (a.unsqueeze(3) * b.unsqueeze(1)).sum(2) + (b.unsqueeze(3) * a.unsqueeze(1)).sum(2)
        return self.to_components @ both.flatten(1, 2) / 6

    def _sums(self, products: Tensor) -> Tensor:
        """Sum over the matrix elements of each part: shape (atoms, 9, channels) → (atoms, 3, channels)."""
        parts = (products * self.weights).split(PARTS, dim=1)  # type: ignore[no-untyped-call]
        return torch.stack([part.sum(dim=1) for part in parts], dim=1)


def of_directions(directions: Tensor) -> Tensor:
    """Return the tensors of directions e, with a = 1, u = e and S = e eᵀ − 1/3.

    Args:
        directions: shape (pairs, 3), of length one.

    Returns:
        Shape (pairs, 9).
    """
    x, y, z = directions.unbind(1)
    symmetric = [(x * x - y * y) / 2, (z * z - 1 / 3) / 2, x * y, x * z, y * z]
    return torch.stack([torch.ones_like(x), x, y, z, *symmetric], dim=1)


class Mixed(nn.Module):
    """Learned linear combinations of channels, with weights of its own for each part of a tensor."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(num_channels, num_channels, bias=False) for _ in PARTS)

    def forward(self, tensors: Tensor) -> Tensor:
        """Combine the channels of tensors of shape (atoms, 9, channels) into as many others."""
        parts = tensors.split(PARTS, dim=1)  # type: ignore[no-untyped-call]
        return torch.cat([linear(part) for linear, part in zip(self.parts, parts, strict=True)], dim=1)
