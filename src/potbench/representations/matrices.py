"""Symmetric 3 × 3 matrices without trace, in five components, and their products with one another and with vectors.

The components of S are (S_xx − S_yy) / 2, √3 S_zz / 2, S_xy, S_xz and S_yz: as for vectors, the sum of the products of
the components of two of them, here ½ tr S T, does not depend on how they are rotated.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

COMPONENTS = 5
ROOT = math.sqrt(3)


def of_directions(directions: Tensor) -> Tensor:
    """Return the matrices of directions e, √3 (e eᵀ − 1/3): their length is 1, too.

    Args:
        directions: shape (…, 3), of length one.

    Returns:
        Shape (…, 5).
    """
    x, y, z = directions.unbind(-1)
    components = [(x * x - y * y) / 2, ROOT / 2 * (z * z - 1 / 3), x * y, x * z, y * z]
    return ROOT * torch.stack(components, dim=-1)


def inner(one: Tensor, other: Tensor) -> Tensor:
    """Multiply vectors, u · w, or matrices, ½ tr S T; invariant under rotation and reflection.

    Args:
        one: their components, shape (…, 3 or 5, channels).
        other: a shape that is broadcast with it.

    Returns:
        Shape (…, channels).
    """
    return (one * other).sum(-2)


def products(u: Tensor, s: Tensor, w: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Compute A B + B A of matrices A = [u]ₓ + S and B = [w]ₓ + T, up to its trace.

    It is [− T u − S w]ₓ + u wᵀ + w uᵀ + S T + T S − …, and, unlike A B, keeps what a reflection changes apart from the
    rest. Components are multiplied one by one, of which a compiler makes one loop.

    Args:
        u: vectors of A, shape (atoms, 3, channels).
        s: matrices of A, shape (atoms, 5, channels).
        w: vectors of B, shape (atoms, 3, channels).
        t: matrices of B, shape (atoms, 5, channels).

    Returns:
        Vectors and matrices, of the same shapes.
    """
    (ux, uy, uz), (wx, wy, wz) = u.unbind(1), w.unbind(1)
    (sxx, syy, szz, sxy, sxz, syz), (txx, tyy, tzz, txy, txz, tyz) = _elements(s), _elements(t)
    vectors = [
        -(txx * ux + txy * uy + txz * uz + sxx * wx + sxy * wy + sxz * wz),
        -(txy * ux + tyy * uy + tyz * uz + sxy * wx + syy * wy + syz * wz),
        -(txz * ux + tyz * uy + tzz * uz + sxz * wx + syz * wy + szz * wz),
    ]
    mixed = sxy * txy
    # halves of the diagonal, but for what x and y have in common
    xx = sxx * txx + sxz * txz + ux * wx
    yy = syy * tyy + syz * tyz + uy * wy
    zz = szz * tzz + sxz * txz + syz * tyz + uz * wz
    matrices = [
        xx - yy,
        (2 * zz - xx - yy - 2 * mixed) / ROOT,
        sxx * txy + sxy * tyy + sxz * tyz + txx * sxy + txy * syy + txz * syz + ux * wy + uy * wx,
        sxx * txz + sxy * tyz + sxz * tzz + txx * sxz + txy * syz + txz * szz + ux * wz + uz * wx,
        sxy * txz + syy * tyz + syz * tzz + txy * sxz + tyy * syz + tyz * szz + uy * wz + uz * wy,
    ]
    return torch.stack(vectors, dim=1), torch.stack(matrices, dim=1)


def _elements(matrices: Tensor) -> tuple[Tensor, ...]:
    """Return xx, yy, zz, xy, xz and yz."""
    difference, along_z, xy, xz, yz = matrices.unbind(1)
    half = along_z / ROOT
    return difference - half, -difference - half, 2 * half, xy, xz, yz
