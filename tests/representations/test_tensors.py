import pytest
import torch

from potbench.representations.tensors import Mixed, TensorAlgebra, of_directions

ROTATION = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]


pytestmark = pytest.mark.usefixtures("double_precision")


def some_tensors() -> torch.Tensor:
    return torch.randn(5, 9, 7)


def matrices(tensors: torch.Tensor) -> torch.Tensor:
    """(atoms, 9, channels) → (atoms, channels, 3, 3), element by element as the components are defined."""
    a, x, y, z, difference, half, xy, xz, yz = tensors.unbind(1)
    rows = [
        [a - half + difference, xy - z, xz + y],
        [xy + z, a - half - difference, yz - x],
        [xz - y, yz + x, a + 2 * half],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def test_products_are_those_of_matrices():
    one, other = some_tensors(), some_tensors()
    expected = matrices(one) @ matrices(other) + matrices(other) @ matrices(one)
    torch.testing.assert_close(matrices(TensorAlgebra().products(one, other)), expected)


def test_tables_stored_in_single_precision_are_exact():
    one, other = some_tensors(), some_tensors()
    cast = TensorAlgebra().float().double().products(one, other)
    torch.testing.assert_close(cast, TensorAlgebra().products(one, other), rtol=1e-14, atol=1e-14)


def test_squares_add_up_to_the_squares_of_matrix_elements():
    tensors = some_tensors()
    torch.testing.assert_close(TensorAlgebra().squares(tensors).sum(1), matrices(tensors).square().sum((-2, -1)))


def test_tensors_of_directions_rotate_with_them():
    directions = torch.nn.functional.normalize(torch.randn(4, 3), dim=1)
    rotation = ROTATION * torch.linalg.det(ROTATION)
    rotated, original = of_directions(directions @ rotation.T), of_directions(directions)
    expected = rotation @ matrices(original.unsqueeze(2)) @ rotation.T
    torch.testing.assert_close(matrices(rotated.unsqueeze(2)), expected)


def test_the_opposite_direction_has_the_transposed_matrix():
    directions = torch.nn.functional.normalize(torch.randn(4, 3), dim=1)
    there, back = of_directions(directions), of_directions(-directions)
    torch.testing.assert_close(matrices(back.unsqueeze(2)), matrices(there.unsqueeze(2)).mT)


def test_parts_are_multiplied_and_mixed_each_by_itself():
    tensors, mixed = some_tensors(), Mixed(7)
    for part, components in enumerate((slice(0, 1), slice(1, 4), slice(4, 9))):
        only = torch.zeros_like(tensors)
        only[:, components] = tensors[:, components]
        assert mixed(only)[:, components].any()
        rest = mixed(only)
        rest[:, components] = 0
        assert not rest.any()
        numbers = torch.zeros(5, 3, 7)
        numbers[:, part] = 2
        torch.testing.assert_close(TensorAlgebra().per_component(numbers) * tensors, 2 * only)
