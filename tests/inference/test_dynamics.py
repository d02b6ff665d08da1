from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench.errors import SettingError, UnknownMoleculeError
from potbench.inference.dynamics import Dynamics
from potbench.potentials import Potential
from potbench.units import BOLTZMANN, DALTON
from tests.inference.toy import Springs
from tests.runs.small_checkpoint import small_potential

ELEMENTS = ["H", "C", "O"]
TRIANGLE = np.array([[0.0, 0, 0], [1, 0, 0], [0.5, np.sqrt(3) / 2, 0]])
WATER = np.array([8, 1, 1])
LINE = np.array([[0.0, 0, 0], [0, 0, 1]])


def springs(numbers: np.ndarray = WATER, positions: np.ndarray = TRIANGLE, **settings: object) -> Dynamics:
    return Dynamics(Springs(ELEMENTS), numbers, positions, **settings)


def trained() -> Potential:
    """An ANI potential of random weights, with forces of eV/Å."""
    potential = small_potential().double()
    potential.scale.fill_(3.0)
    return potential


def fluctuation(dynamics: Dynamics, time: float) -> float:
    """Root mean square of the conserved energy around its mean."""
    found = []
    for _ in range(round(time / dynamics.step)):
        dynamics.advance()
        found.append(dynamics.conserved)
    return float(torch.stack(found).std(dim=0).mean())


def test_a_spring_oscillates_at_its_frequency() -> None:
    """The frequency of velocity Verlet is known: sin(ω' Δt / 2) = ω Δt / 2."""
    dynamics = springs(np.array([8, 1]), np.array([[0.0, 0, 0], [0, 0, 1.05]]), temperature=0, step=0.2)
    masses = dynamics.masses.squeeze(1).numpy()
    omega = np.sqrt(Springs.stiffness * masses.sum() / masses.prod())
    found = []
    for _ in range(400):
        found.append(float((dynamics.state.positions[0, 1] - dynamics.state.positions[0, 0]).norm()) - 1)
        dynamics.advance()
    exact = 2 / 0.2 * np.arcsin(omega * 0.2 / 2)
    assert np.array(found) == pytest.approx(0.05 * np.cos(exact * 0.2 * np.arange(400)), abs=1e-10)


def test_energy_fluctuates_a_quarter_as_much_at_half_the_step() -> None:
    found = [fluctuation(springs(temperature=300, step=step, replicas=4), 200) for step in (0.2, 0.1)]
    assert found[0] / found[1] == pytest.approx(4, rel=0.05)


def test_energy_of_a_network_fluctuates_a_quarter_as_much_at_half_the_step() -> None:
    water, settings = molecule("H2O"), {"temperature": 300, "replicas": 4, "seed": 1}
    found = [
        fluctuation(Dynamics(trained(), water.numbers, water.positions, step=step, **settings), 60)
        for step in (0.5, 0.25)
    ]
    assert found[0] / found[1] == pytest.approx(4, rel=0.25)


@pytest.mark.parametrize("potential", [Springs(ELEMENTS), trained()])
def test_momentum_and_angular_momentum_stay_zero(potential: Potential) -> None:
    atoms = molecule("CH3OH")
    dynamics = Dynamics(potential, atoms.numbers, atoms.positions, replicas=3, temperature=500)
    for steps in (0, 100):
        dynamics.advance(steps)
        positions, momenta, *_ = dynamics.state
        largest = float(momenta.abs().max())
        assert largest > 0.1
        assert float(momenta.sum(dim=1).abs().max()) < 1e-9 * largest
        assert float(torch.linalg.cross(positions, momenta).sum(dim=1).abs().max()) < 1e-8 * largest


@pytest.mark.parametrize(
    ("numbers", "positions", "degrees"),
    [(np.array([8]), np.zeros((1, 3)), 0), (np.array([8, 1]), LINE, 1), (WATER, TRIANGLE, 3)],
)
def test_rigid_motion_is_left_out_of_the_temperature(numbers: np.ndarray, positions: np.ndarray, degrees: int) -> None:
    dynamics = springs(numbers, positions, replicas=2000, temperature=300)
    assert dynamics.degrees_of_freedom == degrees
    if degrees:
        spread = np.sqrt(2 / degrees / 2000)
        assert float(dynamics.current_temperature.mean()) == pytest.approx(300, rel=4 * spread)
    else:
        assert float(dynamics.current_temperature.abs().max()) < 1e-9
    assert springs(numbers, positions, friction=1.0).degrees_of_freedom == 3 * len(numbers)


def test_momenta_start_with_the_distribution_of_maxwell() -> None:
    dynamics = springs(replicas=3000, temperature=300, friction=1.0)
    mean_squares = dynamics.state.momenta.square().mean(dim=(0, 2))
    expected = dynamics.masses.squeeze(1) * BOLTZMANN * 300
    assert mean_squares.numpy() == pytest.approx(expected.numpy(), rel=4 * np.sqrt(2 / 9000))


@pytest.mark.slow
def test_langevin_dynamics_samples_the_distribution_of_boltzmann() -> None:
    """A spring in three dimensions: p(r) ∝ r² exp(−k (r − r₀)² / 2 k_B T), and each momentum has ½ k_B T."""
    temperature = 500.0
    dynamics = springs(np.array([1, 1]), LINE, replicas=500, temperature=temperature, step=0.5, friction=50.0, seed=3)
    dynamics.advance(200)  # 5 times the relaxation time of the momenta, from the bottom of the well
    lengths, kelvin = [], []
    for _ in range(20):
        dynamics.advance(40)
        positions = dynamics.state.positions
        lengths.append((positions[:, 0] - positions[:, 1]).norm(dim=1))
        kelvin.append(dynamics.current_temperature)
    independent = 500 * 5  # a fifth, cautiously: they are 20 fs apart and forget in 20 fs
    found = torch.cat(lengths).numpy()
    grid = np.linspace(0.5, 1.5, 4001)
    weight = grid**2 * np.exp(-Springs.stiffness * (grid - 1) ** 2 / 2 / (BOLTZMANN * temperature))
    weight /= weight.sum()
    mean = (grid * weight).sum()
    variance = ((grid - mean) ** 2 * weight).sum()
    assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / independent))
    assert found.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / independent))
    # the whole distribution, by the largest distance of Kolmogorov and Smirnov
    cumulated = np.interp(np.sort(found), grid, weight.cumsum())
    assert np.abs(cumulated - (np.arange(len(found)) + 0.5) / len(found)).max() < 1.95 / np.sqrt(independent)
    assert float(torch.cat(kelvin).mean()) == pytest.approx(temperature, rel=4 * np.sqrt(2 / 6 / independent))


def test_heat_of_the_thermostat_accounts_for_the_change_of_energy() -> None:
    dynamics = springs(temperature=1000, friction=20.0, step=0.05, replicas=4)
    before, total = dynamics.conserved, dynamics.conserved + dynamics.state.heat
    dynamics.advance(1000)
    changed = (dynamics.conserved + dynamics.state.heat - total).abs()
    assert float(changed.max()) > 0.05
    assert float((dynamics.conserved - before).abs().max()) < 2e-3


@pytest.mark.parametrize("friction", [None, 10.0])
def test_replicas_do_not_know_of_each_other(friction: float | None) -> None:
    atoms = molecule("CH3OH")
    settings = {"temperature": 300, "friction": friction}
    together = Dynamics(trained(), atoms.numbers, atoms.positions, replicas=3, seed=5, **settings)
    together.advance(20)
    for replica in range(3):
        alone = Dynamics(trained(), atoms.numbers, atoms.positions, seed=5 + replica, **settings)
        alone.advance(20)
        for ours, theirs in zip(together.state, alone.state, strict=True):
            assert ours[replica].numpy() == pytest.approx(theirs[0].numpy(), abs=1e-9)


@pytest.mark.parametrize("friction", [None, 10.0])
def test_what_is_restored_goes_on_to_the_same_numbers(friction: float | None, tmp_path: Path) -> None:
    settings = {"replicas": 2, "friction": friction, "seed": 7}
    whole, first, second = (springs(**settings) for _ in range(3))
    whole.advance(30)
    first.advance(10)
    np.savez(tmp_path / "state.npz", **first.arrays())
    with np.load(tmp_path / "state.npz") as arrays:
        second.restore(dict(arrays))
    second.advance(20)
    assert second.steps_done == 30
    assert second.time == pytest.approx(0.015)
    for ours, theirs in zip(second.state, whole.state, strict=True):
        assert torch.equal(ours, theirs)


def test_another_seed_is_another_motion() -> None:
    assert not torch.equal(springs(seed=0).state.momenta, springs(seed=1).state.momenta)


def test_positions_and_momenta_are_double_whatever_the_precision_of_the_potential() -> None:
    atoms = molecule("H2O")
    dynamics = Dynamics(small_potential(), atoms.numbers, atoms.positions)
    dynamics.advance(2)
    assert {value.dtype for value in dynamics.state} == {torch.float64}
    assert not any(value.requires_grad for value in dynamics.state)


def test_units_are_those_of_ase() -> None:
    from ase import units

    assert pytest.approx(1 / units.fs**2, rel=1e-6) == DALTON
    assert pytest.approx(units.kB, rel=1e-6) == BOLTZMANN


@pytest.mark.parametrize(
    "settings", [{"replicas": 0}, {"step": 0.0}, {"friction": -1.0}, {"temperature": -1.0}, {"seed": -1}]
)
def test_a_setting_that_cannot_work_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(SettingError, match=next(iter(settings))):
        springs(**settings)


def test_an_element_that_the_potential_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownMoleculeError, match="Si"):
        springs(np.array([14, 1, 1]))


def test_replicas_in_a_thermostat_may_start_at_places_of_their_own() -> None:
    atoms = molecule("H2O")
    starts = np.stack([atoms.positions, 1.1 * atoms.positions])
    potential = Springs(["H", "O"])
    apart = Dynamics(potential, atoms.numbers, starts, 2, friction=10.0)
    for replica, start in enumerate(starts):
        alone = Dynamics(potential, atoms.numbers, start, friction=10.0, seed=replica)
        alone.advance(3)
        if replica == 0:
            apart.advance(3)
        torch.testing.assert_close(apart.state.positions[replica], alone.state.positions[0])
    with pytest.raises(SettingError, match="start at places of their own"):
        Dynamics(potential, atoms.numbers, starts, 2)
