"""Matrices with the same singular vectors and singular values near 1, by products of matrices alone."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST = 3e-3
"""Singular values above this fraction of the norm, which exceeds the largest by at most an eighth root of the rank."""
BAND = 0.2
"""Distance from 1 within which those end; smaller ones are raised as well, up to 416-fold, but end lower."""
POLYNOMIALS = (
    (8.383673612923165, -24.76590585797454, 18.357081892887603),
    (4.043420433700426, -3.011404993841533, 0.5695121503191823),
    (3.505570617243892, -2.6266538356180993, 0.5257194048203219),
    (2.490115939444253, -1.834275082752668, 0.4368347068954241),
)
"""a, b and c of a s + b s³ + c s⁵: the least maximal distance from 1 on the interval that those before it leave of
[SMALLEST, 1], one after the other."""


def orthogonalize(matrices: Tensor) -> Tensor:
    """Compute U Vᵀ, up to BAND, of each matrix U S Vᵀ.

    a s + b s³ + c s⁵ of singular values s is (a + b G + c G²) X of a matrix X with G = X Xᵀ. All matrices that follow
    from G commute, so that the polynomials are multiplied in the size of G, the smaller one, and X twice in all: for G,
    and by their product. X is first divided by (tr G⁴)^⅛, which is nearer to the largest singular value than the norm
    of Frobenius, and takes no product of its own: one polynomial less leads to the same band.

    Source: Jordan et al., https://kellerjordan.github.io/posts/muon, for orthogonalization by polynomials; Amsel,
    Persson, Musco, Gower, arXiv:2505.16932, doi:10.48550/arXiv.2505.16932, for the best ones.

    Args:
        matrices: shape (…, rows, columns), float32 or float64.

    Returns:
        The same shape; it does not depend on the scale of a matrix. Zeros stay zeros.
    """
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonalize(matrices.transpose(-2, -1)).transpose(-2, -1)
    tiny = torch.finfo(matrices.dtype).tiny
    # the eighth power of small gradients would be zero
    matrices = matrices / torch.linalg.matrix_norm(matrices, keepdim=True).clamp_min(tiny)
    gram = matrices @ matrices.mT
    square = gram @ gram
    norm = torch.linalg.matrix_norm(square, keepdim=True).clamp_min(tiny).sqrt()
    gram, square = gram / norm, square / norm.square()
    product = _polynomial(gram, square, *POLYNOMIALS[0])
    factor = product
    for coefficients in POLYNOMIALS[1:]:
        gram = factor @ (factor @ gram)
        factor = _polynomial(gram, gram @ gram, *coefficients)
        product = factor @ product
    orthogonal: Tensor = product @ (matrices / norm.sqrt())
    return orthogonal


def _polynomial(gram: Tensor, square: Tensor, a: float, b: float, c: float) -> Tensor:
    """Compute a + b G + c G²."""
    result = torch.add(b * gram, square, alpha=c)
    result.diagonal(dim1=-2, dim2=-1).add_(a)
    return result
