import pytest
import torch

from potbench.representations.spherical_tensors import TensorProducts, inner, of_directions

pytestmark = pytest.mark.usefixtures("double_precision")

ROTOREFLECTION = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]


def some(degree: int) -> torch.Tensor:
    return torch.randn(6, 2 * degree + 1, 7)


def matrices(tensors: list[torch.Tensor]) -> torch.Tensor:
    """Vectors and tensors of degree 2 → (atoms, channels, 3, 3): [u]ₓ + S, element by element."""
    (y, z, x), (xy, yz, along_z, xz, difference) = (tensor.unbind(1) for tensor in tensors)
    zz = 2 / 3**0.5 * along_z
    xx, yy = -zz / 2 + difference, -zz / 2 - difference
    rows = [[xx, xy - z, xz + y], [xy + z, yy, yz - x], [xz - y, yz + x, zz]]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def test_products_of_degrees_1_and_2_are_those_of_matrices():
    tensors, others = [some(1), some(2)], [some(1), some(2)]
    one, other = matrices(tensors), matrices(others)
    expected = one @ other + other @ one
    trace = expected.diagonal(dim1=-2, dim2=-1).sum(-1)
    found = matrices(TensorProducts(2)(tensors, others)) + torch.eye(3) * trace[..., None, None] / 3
    torch.testing.assert_close(found, expected)


def test_inner_products_are_halves_of_those_of_matrix_elements():
    nothing = torch.zeros(6, 3, 7), torch.zeros(6, 5, 7)
    for degree in (1, 2):
        tensors = [list(nothing), list(nothing)]
        for each in tensors:
            each[degree - 1] = some(degree)
        one, other = map(matrices, tensors)
        expected = (one * other).sum((-2, -1)) / 2
        torch.testing.assert_close(inner(*(each[degree - 1] for each in tensors)), expected)


def sums(directions: torch.Tensor, amounts: torch.Tensor, max_l: int) -> list[torch.Tensor]:
    """Tensors of (directions, 3), of each so much: (atoms, directions, channels)."""
    return [torch.einsum("adc,dm->amc", amounts, each) for each in of_directions(directions, max_l)]


@pytest.mark.parametrize("max_l", [2, 3, 4])
def test_products_are_turned_and_reflected_with_their_factors(max_l):
    directions = torch.nn.functional.normalize(torch.randn(9, 3), dim=1)
    amounts = torch.randn(2, 6, 9, 7)

    def seen(turn):
        """TensorProducts from all directions, that are turned as well: the same numbers."""
        turned = directions @ turn
        made = TensorProducts(max_l)(*(sums(turned, each, max_l) for each in amounts))
        return [
            torch.einsum("amc,dm->adc", each, along)
            for each, along in zip(made, of_directions(turned, max_l), strict=True)
        ]

    for found, expected in zip(seen(ROTOREFLECTION), seen(torch.eye(3)), strict=True):
        assert expected.abs().max() > 1
        torch.testing.assert_close(found, expected)


def test_tensors_of_directions_have_length_one():
    for tensors in of_directions(torch.nn.functional.normalize(torch.randn(6, 3), dim=1), 4):
        torch.testing.assert_close(inner(tensors.unsqueeze(2), tensors.unsqueeze(2)), torch.ones(6, 1))


@pytest.mark.parametrize("max_l", [2, 3])
def test_products_at_once_are_those_one_by_one_also_after_a_cast(max_l):
    factors = [[some(degree) for degree in range(1, max_l + 1)] for _ in range(2)]
    products = TensorProducts(max_l).float().double()
    for one, other in zip(products.at_once(*factors), products.one_by_one(*factors), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_potentials_are_saved_without_tables():
    assert not TensorProducts(2).state_dict()
