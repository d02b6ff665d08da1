"""Directions in real spherical harmonics, and how products of these are combined into others."""

from __future__ import annotations

import math
from functools import cache
from math import factorial

import torch
from torch import Tensor


def spherical_harmonics(directions: Tensor, max_degree: int) -> Tensor:
    """Compute the real spherical harmonics Yₗₘ of directions, with Σₘ Yₗₘ² = 2l + 1.

    They are polynomials of x, y and z, by recursion: no angle is computed, and no direction is singular.

    Args:
        directions: shape (…, 3), of length one.
        max_degree: the largest l.

    Returns:
        Shape (…, (max_degree + 1)²): m = −l … l for each l = 0, 1, … The three of l = 1 are √3 (y, z, x).
    """
    x, y, z = directions.unbind(-1)
    ones = torch.ones_like(x)
    cosine, sine = [ones], [torch.zeros_like(x)]  # real and imaginary part of (x + iy)ᵐ
    for _ in range(max_degree):
        cosine.append(x * cosine[-1] - y * sine[-1])
        sine.append(x * sine[-1] + y * cosine[-2])
    legendre: dict[tuple[int, int], Tensor] = {}  # associated, without their factor sinᵐ
    for m in range(max_degree + 1):
        legendre[m, m] = ones if m == 0 else (2 * m - 1) * legendre[m - 1, m - 1]
        if m < max_degree:
            legendre[m + 1, m] = (2 * m + 1) * z * legendre[m, m]
        for degree in range(m + 2, max_degree + 1):
            one, two = legendre[degree - 1, m], legendre[degree - 2, m]
            legendre[degree, m] = ((2 * degree - 1) * z * one - (degree + m - 1) * two) / (degree - m)
    harmonics = []
    for degree in range(max_degree + 1):
        for m in range(-degree, degree + 1):
            order = abs(m)
            norm = (2 * degree + 1) * factorial(degree - order) / factorial(degree + order)
            along = sine[order] if m < 0 else cosine[order]
            harmonics.append(math.sqrt(norm * (2 if m else 1)) * legendre[degree, order] * along)
    return torch.stack(harmonics, dim=-1)


@cache
def coupling(first: int, second: int, combined: int) -> Tensor:
    """Return the Clebsch–Gordan coefficients of real spherical harmonics.

    Σₘ₁ₘ₂ C[m₁, m₂, M] aₘ₁ bₘ₂ rotates as Y of degree `combined`, if a and b rotate as those of `first` and `second`.
    Where first + second + combined is odd, it changes its sign under reflection, unlike Y.

    Source: Racah, Phys. Rev. 62, 438 (1942), doi:10.1103/PhysRev.62.438.

    Args:
        first: degree of a.
        second: degree of b.
        combined: degree of the result, from |first − second| to first + second.

    Returns:
        Shape (2 first + 1, 2 second + 1, 2 combined + 1), float64.
    """
    complex_coupling = torch.zeros(2 * first + 1, 2 * second + 1, 2 * combined + 1, dtype=torch.complex128)
    for m1 in range(-first, first + 1):
        for m2 in range(max(-second, -combined - m1), min(second, combined - m1) + 1):
            place = m1 + first, m2 + second, m1 + m2 + combined
            complex_coupling[place] = _clebsch_gordan(first, m1, second, m2, combined)
    one, two, three = _to_real(first), _to_real(second), _to_real(combined).conj()
    real = torch.einsum("ax,by,cz,xyz->abc", one, two, three, complex_coupling)
    return real.real + real.imag  # one of them is zero


def _clebsch_gordan(l1: int, m1: int, l2: int, m2: int, combined: int) -> float:
    """Return ⟨l₁ m₁ l₂ m₂ | L m₁+m₂⟩ of complex spherical harmonics, by Racah's formula."""
    m = m1 + m2
    triangle = (
        (2 * combined + 1)
        * factorial(combined + l1 - l2)
        * factorial(combined - l1 + l2)
        * factorial(l1 + l2 - combined)
        / factorial(l1 + l2 + combined + 1)
    )
    for degree, order in ((combined, m), (l1, m1), (l2, m2)):
        triangle *= factorial(degree + order) * factorial(degree - order)
    total = 0.0
    for k in range(l1 + l2 - combined + 1):
        numbers = (
            k,
            l1 + l2 - combined - k,
            l1 - m1 - k,
            l2 + m2 - k,
            combined - l2 + m1 + k,
            combined - l1 - m2 + k,
        )
        if min(numbers) >= 0:
            total += (-1) ** k / math.prod(factorial(number) for number in numbers)
    return math.sqrt(triangle) * total


def _to_real(degree: int) -> Tensor:
    """Return the matrix that makes real spherical harmonics of complex ones: shape (2l + 1, 2l + 1)."""
    matrix = torch.zeros(2 * degree + 1, 2 * degree + 1, dtype=torch.complex128)
    matrix[degree, degree] = 1
    half = math.sqrt(0.5)
    for m in range(1, degree + 1):
        matrix[degree + m, degree - m], matrix[degree + m, degree + m] = half, (-1) ** m * half
        matrix.imag[degree - m, degree - m], matrix.imag[degree - m, degree + m] = half, -((-1) ** m) * half
    return matrix
