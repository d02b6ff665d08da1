import pytest
import torch

from potbench.geometry.cutoff import cosine_cutoff


def test_the_envelope_is_one_at_no_distance_half_halfway_and_zero_from_the_cutoff_on():
    values = cosine_cutoff(torch.tensor([0.0, 2.5, 5.0, 5.1, 1e6]), 5.0)
    assert values.tolist() == pytest.approx([1.0, 0.5, 0.0, 0.0, 0.0])
    assert not values[2:].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_slope_and_its_own_slope_are_those_of_the_cosine_within_and_zero_beyond(dtype):
    distances = torch.tensor([1.0, 4.999, 5.001], dtype=dtype, requires_grad=True)
    (slope,) = torch.autograd.grad(cosine_cutoff(distances, 5.0).sum(), distances, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), distances)
    wavenumber = torch.pi / 5
    within = distances[:2].detach()
    torch.testing.assert_close(
        slope[:2].detach(), -wavenumber / 2 * torch.sin(wavenumber * within), rtol=1e-3, atol=1e-6
    )
    torch.testing.assert_close(curvature[:2], -(wavenumber**2) / 2 * torch.cos(wavenumber * within))
    assert slope[2] == curvature[2] == 0
