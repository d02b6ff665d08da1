from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from potbench.geometry.spherical_harmonics import coupling, spherical_harmonics

TRIPLES = [(a, b, c) for a, b, c in product(range(4), repeat=3) if abs(a - b) <= c <= a + b]


def directions(count: int = 40) -> Tensor:
    drawn = torch.randn(count, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return drawn / drawn.norm(dim=1, keepdim=True)


def rotation(seed: int = 1) -> Tensor:
    drawn = torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    matrix = torch.linalg.qr(drawn)[0]
    return matrix * torch.linalg.det(matrix)


def rotated(degree: int, matrix: Tensor) -> Tensor:
    """The matrix D of Y(R u) = Y(u) D, by least squares over some directions."""
    part = slice(degree**2, (degree + 1) ** 2)
    here = spherical_harmonics(directions(), degree)[:, part]
    there = spherical_harmonics(directions() @ matrix.T, degree)[:, part]
    return torch.linalg.lstsq(here, there).solution


def test_the_first_are_one_and_the_coordinates() -> None:
    x, y, z = directions().unbind(1)
    harmonics = spherical_harmonics(directions(), 2)
    expected = torch.stack([torch.ones_like(x), math.sqrt(3) * y, math.sqrt(3) * z, math.sqrt(3) * x], dim=1)
    assert torch.allclose(harmonics[:, :4], expected)
    assert torch.allclose(harmonics[:, 6], math.sqrt(5) * (3 * z**2 - 1) / 2)


@pytest.mark.parametrize("degree", range(7))
def test_those_of_a_degree_rotate_among_themselves_and_keep_their_norm(degree: int) -> None:
    matrix = rotated(degree, rotation())
    assert torch.allclose(matrix @ matrix.T, torch.eye(2 * degree + 1, dtype=torch.float64))
    squares = spherical_harmonics(directions(), degree)[:, degree**2 :].square().sum(dim=1)
    assert torch.allclose(squares, torch.full_like(squares, 2 * degree + 1))


def test_the_pole_is_a_direction_like_any_other() -> None:
    pole = torch.tensor([[0.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(spherical_harmonics(pole, 4).sum(), pole)
    assert slope.isfinite().all()


@pytest.mark.parametrize("degrees", TRIPLES)
def test_coupled_products_rotate_as_their_degree(degrees: tuple[int, int, int]) -> None:
    one, two, three = (rotated(degree, rotation()) for degree in degrees)
    factors_rotated = torch.einsum("aA,bB,ABc->abc", one, two, coupling(*degrees))
    assert torch.allclose(factors_rotated, coupling(*degrees) @ three)


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 1), (3, 2)])
def test_couplings_of_two_degrees_are_an_orthogonal_matrix(first: int, second: int) -> None:
    combined = range(abs(first - second), first + second + 1)
    columns = torch.cat([coupling(first, second, degree).flatten(0, 1) for degree in combined], dim=1)
    assert torch.allclose(columns.T @ columns, torch.eye(columns.shape[1], dtype=torch.float64), atol=1e-12)


def test_vectors_combine_to_their_dot_and_cross_product() -> None:
    one, two = directions()[:20], directions()[20:]
    harmonics = [spherical_harmonics(each, 1)[:, 1:] for each in (one, two)]
    dot = torch.einsum("ia,ib,abc->i", *harmonics, coupling(1, 1, 0))
    assert torch.allclose(dot.abs(), math.sqrt(3) * (one * two).sum(dim=1).abs())
    cross = torch.einsum("ia,ib,abc->ic", *harmonics, coupling(1, 1, 1))
    assert torch.allclose(cross.norm(dim=1), 3 / math.sqrt(2) * torch.linalg.cross(one, two).norm(dim=1))
