"""Tensors of degrees l = 1, 2, … in 2l + 1 components, which rotate as real spherical harmonics, and their products.

Those of degree 1 are vectors, those of degree 2 symmetric 3 × 3 matrices without trace. The sum of the products of the
components of two of them does not depend on how they are rotated.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from functools import cache, reduce
from typing import NamedTuple

import torch
from torch import Tensor

from potbench.geometry.spherical_harmonics import coupling, spherical_harmonics

OF_ONE_DIRECTION = 2 / math.sqrt(3)
"""Length of the product of two tensors of one direction: for degrees 1 and 2, that of A B + B A of 3 × 3 matrices."""


def of_directions(directions: Tensor, max_l: int) -> list[Tensor]:
    """Return the tensors of directions: their length is 1, too.

    Args:
        directions: shape (…, 3), of length one.
        max_l: largest degree.

    Returns:
        Shapes (…, 3), (…, 5), … of degrees 1, 2, …
    """
    harmonics = spherical_harmonics(directions, max_l)
    return [harmonics[..., degree**2 : (degree + 1) ** 2] / math.sqrt(2 * degree + 1) for degree in range(1, max_l + 1)]


def inner(one: Tensor, other: Tensor) -> Tensor:
    """Multiply two tensors of one degree to a number; invariant under rotation and reflection.

    Args:
        one: their components, shape (…, 2l + 1, channels).
        other: a shape that is broadcast with it.

    Returns:
        Shape (…, channels).
    """
    return (one * other).sum(-2)


def products(ones: Sequence[Tensor], others: Sequence[Tensor]) -> list[Tensor]:
    """Multiply tensors to others, and add up those of one degree; what a reflection changes is left out.

    For degrees 1 and 2, they are A B + B A of matrices A = [u]ₓ + S of vectors u and symmetric matrices S, up to its
    trace. Components are multiplied one by one, of which a compiler makes one loop.

    Args:
        ones: of degrees 1, 2, …: shapes (atoms, 3, channels), (atoms, 5, channels), …
        others: of the same shapes.

    Returns:
        Of the same shapes.
    """
    first, second = ([tensor.unbind(1) for tensor in tensors] for tensors in (ones, others))
    found = []
    for components in _terms(len(ones)):
        sums = []
        for groups in components:
            parts = [
                factor * _sum(first[one][m1] * second[other][m2] for one, m1, other, m2 in terms)
                for factor, terms in groups
            ]
            sums.append(_sum(parts))
        found.append(torch.stack(sums, dim=1))
    return found


def _sum(tensors: Iterable[Tensor]) -> Tensor:
    return reduce(operator.add, tensors)


class _Term(NamedTuple):
    """The product of a component of one tensor and of another; degrees are counted from 0."""

    one: int
    m1: int
    other: int
    m2: int


@cache
def _terms(max_l: int) -> list[list[list[tuple[float, list[_Term]]]]]:
    """Return what is added up: for each degree and component, terms that have a factor in common."""
    degrees = range(1, max_l + 1)
    found = []
    for degree in degrees:
        components: list[dict[float, list[_Term]]] = [{} for _ in range(2 * degree + 1)]
        for one in degrees:
            for other in degrees:
                if (one + other + degree) % 2 or not abs(one - other) <= degree <= one + other:
                    continue
                table = coupling(one, other, degree)
                # along z, a tensor of the direction has the component m = 0 alone; vectors have the sign of A B + B A
                table = table * (-1 if degree == 1 else 1) * OF_ONE_DIRECTION / table[one, other, degree]
                for m1, m2, m in (table.abs() > 1e-9).nonzero().tolist():
                    factor = round(float(table[m1, m2, m]), 12)
                    components[m].setdefault(factor, []).append(_Term(one - 1, m1, other - 1, m2))
        found.append([list(groups.items()) for groups in components])
    return found
