import pytest
import torch

from potbench.geometry.radial import BesselBasis, GaussianBasis


@pytest.mark.parametrize(("end", "num_functions"), [(5.0, 50), (15.0, 150), (30.0, 300), (60.0, 600)])
def test_there_is_a_gaussian_every_tenth_of_an_angstrom_from_zero_up_to_the_end(end, num_functions):
    basis = GaussianBasis(end)
    assert basis.num_functions == len(basis.centers) == num_functions
    assert basis.centers[0] == 0
    torch.testing.assert_close(basis.centers.diff(), torch.full((num_functions - 1,), 0.1), rtol=1e-4, atol=0)


def test_heights_are_the_formula():
    heights = GaussianBasis(1.0, spacing=0.5, gamma=10.0)(torch.tensor([0.0, 0.5, 0.8]))
    expected = torch.tensor([[0.0, 0.5], [0.5, 0.0], [0.8, 0.3]]).square().mul(-10).exp()
    torch.testing.assert_close(heights, expected)


def test_a_basis_follows_its_network_to_double_precision_and_is_no_part_of_the_weights():
    basis = GaussianBasis(2.0).double()
    assert basis(torch.ones(3, dtype=torch.float64)).dtype == torch.float64
    assert not basis.state_dict()


def test_without_pairs_there_are_no_heights():
    assert GaussianBasis(2.0)(torch.zeros(0)).shape == (0, 20)


def test_waves_are_orthonormal_within_their_sphere():
    cutoff = 4.5
    distances = torch.linspace(1e-6, cutoff, 20_001, dtype=torch.float64)
    waves = BesselBasis(6, cutoff).double()(distances)
    overlaps = torch.trapezoid((waves.T.unsqueeze(1) * waves.T.unsqueeze(0)) * distances.square(), distances)
    torch.testing.assert_close(overlaps, torch.eye(6, dtype=torch.float64), rtol=0, atol=1e-5)


def test_waves_vanish_on_the_sphere():
    edge = torch.tensor([4.5], dtype=torch.float64)
    assert BesselBasis(6, 4.5).double()(edge).abs().max() < 1e-6
