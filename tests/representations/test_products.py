from __future__ import annotations

from itertools import combinations_with_replacement

import pytest
import torch

from potbench.geometry.spherical_harmonics import spherical_harmonics
from potbench.representations.products import Products

UNLIMITED = 4


def projections(num_functions: int, max_l: int, num_neighbors: list[int], num_atoms: int) -> list[torch.Tensor]:
    """Densities of random neighbors: their radial functions are random numbers."""
    generator = torch.Generator().manual_seed(0)
    rows = []
    for count in num_neighbors:
        vectors = torch.randn(num_atoms, count, 3, generator=generator, dtype=torch.float64)
        radial = torch.randn(num_atoms, count, num_functions, generator=generator, dtype=torch.float64)
        harmonics = spherical_harmonics(vectors / vectors.norm(dim=2, keepdim=True), max_l)
        rows.append(torch.einsum("ijn,ijm->nmi", radial, harmonics))
    sizes = [2 * degree + 1 for degree in range(max_l + 1)]
    return list(torch.split(torch.cat(rows), sizes, dim=1))


def rank(products: Products, num_neighbors: list[int]) -> int:
    sample = projections(2, 2, num_neighbors, 3 * products.num_features)
    features = products(products.nodes(sample))
    return int(torch.linalg.matrix_rank(features / features.norm(dim=1, keepdim=True), rtol=1e-9))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_no_product_is_a_linear_combination_of_others(order: int) -> None:
    products = Products(2, [0.0] * (order - 1) + [4.0], [0] * (order - 1) + [2], 1.0, [UNLIMITED, UNLIMITED])
    assert products.num_features >= 4
    assert rank(products, [5, 5]) == products.num_features


def test_products_of_four_vectors_are_complete() -> None:
    """Of n vectors of one element, invariants of degree (1, 1, 1, 1) are the products of two dot products."""
    num_vectors = 3
    products = Products(num_vectors, (0, 0, 0, 99), (0, 0, 0, 1), 1.0, [UNLIMITED])
    sample = projections(num_vectors, 1, [6], 400)
    vectors = sample[1]
    dots = torch.einsum("ami,bmi->abi", vectors, vectors)
    pairs = list(combinations_with_replacement(range(num_vectors), 2))
    expected = torch.stack([dots[a] * dots[b] for a, b in combinations_with_replacement(pairs, 2)])
    scalars = torch.ones(1, 400, dtype=torch.float64)
    features = torch.cat([products(products.nodes(sample)), scalars])
    solution = torch.linalg.lstsq(features.T, expected.T).solution
    assert torch.allclose(features.T @ solution, expected.T, atol=1e-8 * expected.abs().max())


def test_products_of_more_neighbors_than_there_are_are_left_out() -> None:
    every = Products(2, (3, 3, 3, 3), (0, 1, 1, 1), 1.0, [UNLIMITED, UNLIMITED])
    one_of_the_second = Products(2, (3, 3, 3, 3), (0, 1, 1, 1), 1.0, [UNLIMITED, 1])
    none_of_the_second = Products(2, (3, 3, 3, 3), (0, 1, 1, 1), 1.0, [UNLIMITED, 0])
    alone = Products(2, (3, 3, 3, 3), (0, 1, 1, 1), 1.0, [UNLIMITED])
    assert every.num_features > one_of_the_second.num_features > none_of_the_second.num_features == alone.num_features


def test_degrees_are_those_of_the_products() -> None:
    products = Products(4, (3, 2), (0, 1), 1.0, [1])
    # n of one factor; then n + n' + 2 l of two, l = 0 and 1: of one neighbor there is but one factor
    assert sorted(products.degrees.tolist()) == [0, 1, 2, 3]
    assert sorted(Products(4, (3, 2), (0, 1), 1.0, [2]).degrees.tolist()) == [0, 0, 1, 1, 2, 2, 2, 2, 3]


def test_slopes_are_the_derivatives_of_the_sums_over_each_molecule() -> None:
    products = Products(2, (3, 3, 3, 3), (0, 2, 1, 1), 1.0, [UNLIMITED, 2])
    nodes = products.nodes(projections(2, 2, [4, 2], 5))
    directions = torch.randn(*nodes.shape, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    molecules = torch.tensor([2, 0, 3])
    slopes = products.slopes(nodes, directions, molecules)
    of_atoms = [torch.func.jvp(products, (nodes,), (directions[..., i],))[1] for i in range(3)]
    parts = torch.split(torch.stack(of_atoms, dim=2), molecules.tolist(), dim=1)
    assert torch.allclose(slopes, torch.stack([part.sum(dim=1) for part in parts], dim=1))
