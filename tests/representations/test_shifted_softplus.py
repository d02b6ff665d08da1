import math

import torch

from potbench.representations import ShiftedSoftplus


def test_it_is_the_logarithm_of_half_an_exponential_and_a_half():
    values = torch.linspace(-5, 5, 11, dtype=torch.float64)
    torch.testing.assert_close(ShiftedSoftplus()(values), (values.exp() / 2 + 0.5).log())
    assert ShiftedSoftplus()(torch.zeros(1)) == 0


def test_it_overflows_for_no_number():
    values = torch.tensor([-1e30, -1e3, 1e3, 1e30], requires_grad=True)
    activated = ShiftedSoftplus()(values)
    (slope,) = torch.autograd.grad(activated.sum(), values, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), values)
    torch.testing.assert_close(activated, torch.tensor([-math.log(2), -math.log(2), 1e3 - math.log(2), 1e30]))
    assert slope.tolist() == [0, 0, 1, 1]
    assert curvature.tolist() == [0, 0, 0, 0]


def test_it_can_be_differentiated_twice():
    values = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ShiftedSoftplus(), values)
    assert torch.autograd.gradgradcheck(ShiftedSoftplus(), values)
