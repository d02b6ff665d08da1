from __future__ import annotations

import numpy as np
import pytest

from potbench.datasets import MD17, SGDMLFile
from potbench.errors import SettingError

KCAL_PER_MOL = 27.211386245988 / 627.5094740631


@pytest.fixture
def ethanol(real_data, tmp_path):
    """The first 2,000 frames of MD17's ethanol, under the name that the whole file has."""
    (tmp_path / "md17_ethanol.npz").symlink_to(real_data / "md17/ethanol.npz")
    (chunk,) = MD17("ethanol", folder=tmp_path).read()
    return chunk


def test_frames_equal_an_independent_reading(real_data, ethanol):
    with np.load(real_data / "md17/ethanol.npz") as arrays:
        assert ethanol.atomic_numbers.tolist() == [6, 6, 8, 1, 1, 1, 1, 1, 1] == arrays["z"].tolist()
        assert ethanol.positions.shape == (2000, 9, 3)
        np.testing.assert_array_equal(ethanol.positions, arrays["R"])
        np.testing.assert_allclose(ethanol.energy, arrays["E"][:, 0] * KCAL_PER_MOL, rtol=1e-15)
        np.testing.assert_allclose(ethanol.forces, arrays["F"] * KCAL_PER_MOL, rtol=1e-15)


def test_energy_falls_where_forces_pull(ethanol):
    # half a femtosecond apart: −F·Δx of neighboring frames is the change of the energy
    steps = np.diff(ethanol.positions, axis=0)
    work = -0.5 * ((ethanol.forces[:-1] + ethanol.forces[1:]) * steps).sum(axis=(1, 2))
    slope = (work * np.diff(ethanol.energy)).sum() / (work**2).sum()
    assert slope == pytest.approx(1.0, abs=0.02)


def test_the_noise_of_md17_is_left_as_it_is(ethanol):
    net = np.linalg.norm(ethanol.forces.sum(axis=1), axis=1).max() / KCAL_PER_MOL
    assert 0.1 < net < 0.5


def test_coupled_cluster_frames_carry_their_own_sum_and_theory(real_data):
    dataset = SGDMLFile(real_data / "md17/ethanol_ccsd_t-train.npz", "kcal/mol", "Å")
    (chunk,) = dataset.read()
    assert chunk.positions.shape == (1000, 9, 3)
    assert dataset.info.theory == "Psi4: CCSD(T), cc-pVTZ"
    assert dataset.elements == ["H", "C", "O"]
    # −154.9 hartree with a triple-zeta basis
    assert chunk.energy.mean() == pytest.approx(-154.8 * 27.211, rel=2e-3)


def test_units_have_to_be_given_where_the_file_does_not_say(real_data):
    with pytest.raises(SettingError, match="does not state its energy unit"):
        list(SGDMLFile(real_data / "md17/ethanol.npz").read())
