import pytest
import torch

from potbench.representations.matrices import COMPONENTS, inner, of_directions, products

pytestmark = pytest.mark.usefixtures("double_precision")


def some(components: int) -> torch.Tensor:
    return torch.randn(6, components, 7)


def symmetric(matrices: torch.Tensor) -> torch.Tensor:
    """(atoms, 5, channels) → (atoms, channels, 3, 3), element by element as the components are defined."""
    difference, along_z, xy, xz, yz = matrices.unbind(1)
    zz = 2 / 3**0.5 * along_z
    xx, yy = -zz / 2 + difference, -zz / 2 - difference
    return torch.stack([torch.stack(row, dim=-1) for row in ([xx, xy, xz], [xy, yy, yz], [xz, yz, zz])], dim=-2)


def antisymmetric(vectors: torch.Tensor) -> torch.Tensor:
    """(atoms, 3, channels) → (atoms, channels, 3, 3), which multiplied by another vector is the cross product."""
    x, y, z = vectors.unbind(1)
    rows = [[0 * x, -z, y], [z, 0 * x, -x], [-y, x, 0 * x]]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def test_matrices_have_no_trace():
    trace = symmetric(some(COMPONENTS)).diagonal(dim1=-2, dim2=-1).sum(-1)
    torch.testing.assert_close(trace, torch.zeros(6, 7))


def test_inner_products_are_halves_of_those_of_matrix_elements():
    one, other = some(COMPONENTS), some(COMPONENTS)
    torch.testing.assert_close(inner(one, other), (symmetric(one) * symmetric(other)).sum((-2, -1)) / 2)


def test_products_are_those_of_matrices():
    u, s, w, t = some(3), some(COMPONENTS), some(3), some(COMPONENTS)
    one, other = antisymmetric(u) + symmetric(s), antisymmetric(w) + symmetric(t)
    expected = one @ other + other @ one
    trace = expected.diagonal(dim1=-2, dim2=-1).sum(-1)
    vectors, matrices = products(u, s, w, t)
    found = antisymmetric(vectors) + symmetric(matrices) + torch.eye(3) * trace[..., None, None] / 3
    torch.testing.assert_close(found, expected)


def test_matrices_of_directions_are_those_of_the_axis_and_as_long_as_it():
    directions = torch.nn.functional.normalize(torch.randn(6, 3), dim=1)
    found = of_directions(directions).unsqueeze(2)
    expected = 3**0.5 * (directions.unsqueeze(2) * directions.unsqueeze(1) - torch.eye(3) / 3)
    torch.testing.assert_close(symmetric(found).squeeze(1), expected)
    torch.testing.assert_close(inner(found, found), torch.ones(6, 1))
