from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from potbench.training.orthogonalization import BAND, POLYNOMIALS, SMALLEST, orthogonalize

SHAPES = [(2, 2), (64, 64), (64, 20), (20, 200), (128, 384)]


def orthogonalized(matrices: Tensor) -> Tensor:
    (found,) = orthogonalize([matrices.reshape(-1, *matrices.shape[-2:])])
    return found.view_as(matrices)


class Counted(TorchFunctionMode):
    """Notes the shape of each product of stacks of matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.shapes: list[tuple[int, ...]] = []

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = function(*args, **(kwargs or {}))
        if function in {torch.bmm, torch.baddbmm}:
            self.shapes.append(tuple(found.shape))
        return found


def made(shape: tuple[int, int], smallest: float, number: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """U, V and U S Vᵀ, whose singular values fall from 1 to the smallest."""
    generator = torch.Generator().manual_seed(sum(shape))
    rank = min(shape)
    u, v = (
        torch.linalg.qr(torch.randn(number, side, rank, generator=generator, dtype=torch.float64)).Q for side in shape
    )
    return u, v, ((u * torch.logspace(0, torch.tensor(smallest).log10().item(), rank, dtype=torch.float64)) @ v.mT)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e30])
def test_singular_values_end_within_the_band_and_singular_vectors_stay(shape, scale):
    # the norm is at most an eighth root of the rank larger than the largest singular value
    u, v, matrices = made(shape, SMALLEST * min(shape) ** (1 / 8), number=3)
    found = u.mT @ orthogonalized((scale * matrices).float()).double() @ v
    values = found.diagonal(dim1=-2, dim2=-1)
    assert (values - 1).abs().max() <= BAND
    torch.testing.assert_close(found, torch.diag_embed(values), atol=2e-3, rtol=0)


def test_smaller_singular_values_are_raised_and_never_above_the_band():
    u, v, matrices = made((64, 128), 1e-9)
    values = (u.mT @ orthogonalized(matrices.float()).double() @ v).diagonal(dim1=-2, dim2=-1)[0]
    assert values.max() <= 1 + BAND
    assert values.min() >= -1e-3
    raised = torch.prod(torch.tensor([a for a, _, _ in POLYNOMIALS]))
    torch.testing.assert_close(values[40], (raised * 1e-9 ** (40 / 63)).double(), rtol=0.1, atol=0)


def test_the_scale_of_a_matrix_makes_no_difference():
    matrices = made((16, 48), 1e-2)[2].float()
    assert torch.equal(orthogonalized(matrices * 2**-40), orthogonalized(matrices))


@pytest.mark.parametrize("shape", SHAPES)
def test_matrices_together_are_as_each_alone_and_as_the_transposed_ones(shape):
    matrices = made(shape, 1e-2, number=4)[2]
    together = orthogonalized(matrices)
    torch.testing.assert_close(together, torch.stack([orthogonalized(matrix) for matrix in matrices]))
    torch.testing.assert_close(together, orthogonalized(matrices.mT).mT)


def test_shapes_with_smaller_sides_of_one_size_share_products_and_are_as_each_alone():
    shapes = [(16, 48), (8, 30), (16, 16), (20, 16), (30, 8)]
    stacks = [made(shape, 1e-2, number)[2] for number, shape in enumerate(shapes, start=1)]
    with Counted() as counted:
        found = orthogonalize([*stacks, stacks[0].float()])
    assert counted.shapes.count((1 + 3 + 4, 16, 16)) == counted.shapes.count((2 + 5, 8, 8)) == 13
    for stack, orthogonal in zip(stacks, found, strict=False):
        torch.testing.assert_close(orthogonal, orthogonalized(stack))
    torch.testing.assert_close(found[-1], orthogonalized(stacks[0]).float(), atol=1e-3, rtol=0)


@pytest.mark.parametrize("shape", [(16, 48), (48, 16), (16, 16)])
def test_all_products_but_two_are_in_the_size_of_the_smaller_side(shape):
    with FlopCounterMode(display=False) as counter:
        orthogonalized(torch.ones(5, *shape))
    assert counter.get_total_flops() == 5 * 2 * 16**2 * (2 * max(shape) + 13 * 16)


def test_zeros_stay_zeros_beside_others():
    matrices = torch.stack([torch.zeros(3, 5), torch.ones(3, 5)])
    found = orthogonalized(matrices)
    assert torch.equal(found[0], matrices[0])
    assert found[1].isfinite().all()
    assert found[1].norm() > 0.8


@pytest.mark.parametrize("number", range(len(POLYNOMIALS)))
def test_each_polynomial_is_nearest_to_one_where_those_before_it_leave_singular_values(number):
    # of all with three coefficients, the one whose error alternates at four points (Chebyshev)
    values = torch.linspace(SMALLEST, 1, 400_001, dtype=torch.float64)
    for a, b, c in POLYNOMIALS[:number]:
        values = a * values + b * values**3 + c * values**5
    values = torch.linspace(values.min().item(), values.max().item(), 400_001, dtype=torch.float64)
    a, b, c = POLYNOMIALS[number]
    errors = a * values + b * values**3 + c * values**5 - 1
    extremes = torch.stack([errors[0], errors[:200_000].max(), errors[200_000:].min(), errors[-1]])
    torch.testing.assert_close(extremes, errors[-1] * torch.tensor([-1.0, 1.0, -1.0, 1.0]).double(), rtol=1e-4, atol=0)
    if number == len(POLYNOMIALS) - 1:
        assert errors.abs().max() <= BAND
