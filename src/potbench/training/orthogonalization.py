"""Matrices with the same singular vectors and singular values near 1, by products of matrices alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence

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


def orthogonalize(stacks: Sequence[Tensor]) -> list[Tensor]:
    """Compute U Vᵀ, up to BAND, of the matrices of several shapes, at once for all whose smaller sides are of one size.

    a s + b s³ + c s⁵ of singular values s is (a + b G + c G²) X of a matrix X with G = X Xᵀ. All matrices that follow
    from G commute, so that the polynomials are multiplied in the size of G, the smaller one, and X twice in all: for G,
    and by their product. X is first divided by (tr G⁴)^⅛, which is nearer to the largest singular value than the norm
    of Frobenius, and takes no product of its own: one polynomial less leads to the same band.

    Source: Jordan et al., https://kellerjordan.github.io/posts/muon, for orthogonalization by polynomials; Amsel,
    Persson, Musco, Gower, arXiv:2505.16932, doi:10.48550/arXiv.2505.16932, for the best ones.

    Args:
        stacks: each of shape (matrices, rows, columns), float32 or float64.

    Returns:
        As many, of the same shapes; they do not depend on the scale of a matrix. Zeros stay zeros.
    """
    # the eighth power of small gradients would be zero
    stacks = [stack / _norms(stack) for stack in stacks]
    are_wide = [stack.shape[1] <= stack.shape[2] for stack in stacks]
    grams = [
        torch.bmm(stack, stack.mT) if is_wide else torch.bmm(stack.mT, stack)
        for stack, is_wide in zip(stacks, are_wide, strict=True)
    ]
    alike: dict[Hashable, list[int]] = defaultdict(list)
    for number, gram in enumerate(grams):
        alike[gram.shape[1], gram.dtype, gram.device].append(number)
    factors: dict[int, Tensor] = {}
    for numbers in alike.values():
        together = _factors(torch.cat([grams[number] for number in numbers]))
        factors |= zip(numbers, torch.split(together, [len(grams[number]) for number in numbers]), strict=True)
    return [
        torch.bmm(factors[number], stack) if are_wide[number] else torch.bmm(stack, factors[number])
        for number, stack in enumerate(stacks)
    ]


def _factors(gram: Tensor) -> Tensor:
    """Compute what makes matrices orthogonal, up to BAND, that it multiplies: shape of their Gram matrices."""
    square = torch.bmm(gram, gram)
    norm = _norms(square).sqrt()
    gram, square = gram / norm, square / norm.square()
    a, b, c = POLYNOMIALS[0]
    product = factor = _plus(torch.add(b * gram, square, alpha=c), a)
    for a, b, c in POLYNOMIALS[1:]:
        gram = torch.bmm(factor, torch.bmm(factor, gram))
        factor = _plus(torch.baddbmm(gram, gram, gram, beta=b, alpha=c), a)
        product = torch.bmm(factor, product)
    return product / norm.sqrt()


def _norms(stack: Tensor) -> Tensor:
    """Return the norms of matrices, none of them zero: shape (matrices, 1, 1)."""
    # of a layer whose activations are all but zero, the squares are below any number in single precision
    norms: Tensor = torch.linalg.vector_norm(stack, dim=(1, 2), keepdim=True, dtype=torch.float64)
    return norms.to(stack.dtype).clamp_min(torch.finfo(stack.dtype).tiny)


def _plus(matrices: Tensor, diagonal: float) -> Tensor:
    """Add a number to the diagonals of matrices, in place."""
    matrices.diagonal(dim1=-2, dim2=-1).add_(diagonal)
    return matrices
