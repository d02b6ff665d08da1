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
from torch import Tensor, nn
from typing_extensions import override

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


class TensorProducts(nn.Module):
    """Multiplies tensors to others, and adds up those of one degree; what a reflection changes is left out.

    For degrees 1 and 2, they are A B + B A of matrices A = [u]ₓ + S of vectors u and symmetric matrices S, up to its
    trace.

    Args:
        max_l: largest degree.
    """

    def __init__(self, max_l: int) -> None:
        super().__init__()
        self.max_l = max_l
        # as integers, which a cast to single precision leaves as they are
        self._table: Tensor
        self.register_buffer("_table", _table(max_l).view(torch.int64), persistent=False)

    @override
    def forward(self, ones: Sequence[Tensor], others: Sequence[Tensor]) -> Sequence[Tensor]:
        """Multiply tensors.

        Args:
            ones: of degrees 1, 2, …: shapes (atoms, 3, channels), (atoms, 5, channels), …
            others: of the same shapes.

        Returns:
            Of the same shapes.
        """
        return self.at_once(ones, others) if ones[0].is_cuda else self.one_by_one(ones, others)

    def one_by_one(self, ones: Sequence[Tensor], others: Sequence[Tensor]) -> Sequence[Tensor]:
        """Multiply component by component, of which a compiler makes one loop."""
        first, second = ([tensor.unbind(1) for tensor in tensors] for tensors in (ones, others))
        found = []
        for components in _terms(self.max_l):
            sums = []
            for groups in components:
                parts = [
                    factor * _sum(first[one][m1] * second[other][m2] for one, m1, other, m2 in terms)
                    for factor, terms in groups
                ]
                sums.append(_sum(parts))
            found.append(torch.stack(sums, dim=1))
        return found

    def at_once(self, ones: Sequence[Tensor], others: Sequence[Tensor]) -> Sequence[Tensor]:
        """Multiply all components by all, and add up by one table: a GPU starts few kernels."""
        first, second = torch.cat(list(ones), dim=1), torch.cat(list(others), dim=1)
        table = self._table.view(torch.float64).to(first.dtype)
        found = table @ (first.unsqueeze(2) * second.unsqueeze(1)).flatten(1, 2)
        return torch.split(found, [tensor.shape[1] for tensor in ones], dim=1)


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


def _table(max_l: int) -> Tensor:
    """Return the factors of all products: shape (components, components · components), float64."""
    components = (max_l + 1) ** 2 - 1
    table = torch.zeros(components, components, components, dtype=torch.float64)
    for degree, of_degree in enumerate(_terms(max_l)):
        for m, groups in enumerate(of_degree):
            for factor, terms in groups:
                for one, m1, other, m2 in terms:
                    table[_first(degree) + m, _first(one) + m1, _first(other) + m2] = factor
    return table.flatten(1)


def _first(degree: int) -> int:
    """Return where the components of a degree begin, among those of all; degrees are counted from 0."""
    return (degree + 1) ** 2 - 1
