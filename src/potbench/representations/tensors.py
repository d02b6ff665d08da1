"""Algebra of 3 × 3 matrices, kept as the parts that turn by themselves: a 1 + [u]ₓ + S.

A tensor has ten components: a, how much of the identity; x, y, z of u, the antisymmetric part; xx, yy, zz, xy, xz, yz
of S, symmetric and without trace. Turning a molecule mixes components of one part alone, so that each part can be
multiplied by numbers of its own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

PARTS = (1, 3, 6)
"""Components of each part."""


def of_directions(directions: Tensor) -> tuple[Tensor, Tensor]:
    """Tensors of directions e, with a = 1, u = e and S = e eᵀ − 1/3, and of the opposite directions.

    Args:
        directions: shape (pairs, 3), of length one.

    Returns:
        Two of shape (pairs, 10).
    """
    x, y, z = directions.unbind(1)
    squares, mixed = directions.square() - 1 / 3, torch.stack([x * y, x * z, y * z], dim=1)
    ones = torch.ones_like(squares[:, :1])
    there, back = (torch.cat([ones, sign * directions, squares, mixed], dim=1) for sign in (1, -1))
    return there, back


def per_component(numbers: Tensor) -> Tensor:
    """A number of each part for each of its components: shape (…, 3, channels) → (…, 10, channels)."""
    parts = zip(numbers.unbind(-2), PARTS, strict=True)
    return torch.cat([part.unsqueeze(-2).expand(*part.shape[:-1], size, -1) for part, size in parts], dim=-2)


def squares(tensors: Tensor) -> Tensor:
    """Sum of squares of the matrix elements of each part, which no turn changes.

    Args:
        tensors: shape (atoms, 10, channels).

    Returns:
        Shape (atoms, 3, channels).
    """
    identity, vector, symmetric = tensors.square().split(PARTS, dim=1)  # type: ignore[no-untyped-call]
    diagonal, mixed = symmetric.split((3, 3), dim=1)
    of_parts = (3 * identity, 2 * vector.sum(1, keepdim=True), (diagonal + 2 * mixed).sum(1, keepdim=True))
    return torch.cat(of_parts, dim=1)


def products(one: Tensor, other: Tensor) -> Tensor:
    """A B + B A of matrices: unlike A B, it gives a molecule and its mirror image the same sums of squares.

    {[u]ₓ, [v]ₓ} = u vᵀ + v uᵀ − 2 u · v,   {[u]ₓ, S} = −[S u]ₓ,   {S, T} = S T + (S T)ᵀ

    Args:
        one: A, shape (atoms, 10, channels).
        other: B, the same shape.

    Returns:
        The same shape.
    """
    a, u, s = one.split(PARTS, dim=1)  # type: ignore[no-untyped-call]
    b, v, t = other.split(PARTS, dim=1)  # type: ignore[no-untyped-call]
    s_matrix, t_matrix = _matrix(s), _matrix(t)
    turned = (s_matrix * v.unsqueeze(1)).sum(2) + (t_matrix * u.unsqueeze(1)).sum(2)
    half = (s_matrix.unsqueeze(3) * t_matrix.unsqueeze(1)).sum(2) + u.unsqueeze(2) * v.unsqueeze(1)
    symmetric = _upper(half) + _upper(half.transpose(1, 2)) + 2 * (a * t + b * s)
    third = symmetric[:, :3].sum(1, keepdim=True) / 3
    return torch.cat(
        [
            2 * (a * b - (u * v).sum(1, keepdim=True)) + third,
            2 * (a * v + b * u) - turned,
            symmetric[:, :3] - third,
            symmetric[:, 3:],
        ],
        dim=1,
    )


def _matrix(symmetric: Tensor) -> Tensor:
    """Six components → all nine: shape (atoms, 6, channels) → (atoms, 3, 3, channels)."""
    xx, yy, zz, xy, xz, yz = symmetric.unbind(1)
    return torch.stack([xx, xy, xz, xy, yy, yz, xz, yz, zz], dim=1).view(len(symmetric), 3, 3, -1)


def _upper(matrix: Tensor) -> Tensor:
    """xx, yy, zz, xy, xz, yz of a matrix: shape (atoms, 3, 3, channels) → (atoms, 6, channels)."""
    rows = matrix.unbind(1)
    places = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    return torch.stack([rows[row][:, column] for row, column in places], dim=1)


class Mixed(nn.Module):
    """Each part of a tensor as a sum over channels, with weights of its own."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(nn.Linear(num_channels, num_channels, bias=False) for _ in PARTS)

    def forward(self, tensors: Tensor) -> Tensor:
        """Shape (atoms, 10, channels) → (atoms, 10, channels)."""
        parts = tensors.split(PARTS, dim=1)  # type: ignore[no-untyped-call]
        return torch.cat([linear(part) for linear, part in zip(self.parts, parts, strict=True)], dim=1)
