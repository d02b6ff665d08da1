"""Repulsion at distances that no training frame has."""

from __future__ import annotations

import math
from pathlib import Path

import ase.data
import numpy as np
import pytest
import torch

from potbench.batch import Batch, Statistics
from potbench.geometry.screened_coulomb import universal_screening
from potbench.laws.precision import default_dtype
from potbench.potentials import SGDML, Pairwise, Potential
from potbench.potentials.repulsion import Repulsion
from potbench.structures import Frames
from potbench.training.feature_cache.chain_rule import jacobians
from tests.inference.toy import Springs
from tests.physics.conftest import rattled
from tests.physics.potentials import CONFIGS, ELEMENTS, SHORTEST, STATISTICS, build


@pytest.fixture(autouse=True)
def _float64():
    with default_dtype(torch.float64):
        yield


def dimers(one: str, other: str, distances: torch.Tensor) -> Batch:
    """Two atoms at each of some distances."""
    positions = np.zeros((len(distances), 2, 3))
    positions[:, 1, 0] = distances
    numbers = np.array([ase.data.atomic_numbers[one], ase.data.atomic_numbers[other]])
    return Batch.from_frames(Frames("dimers", numbers, positions, np.zeros(len(distances))))


def repulsion(**shortest: float) -> Repulsion:
    made = Repulsion(ELEMENTS)
    made.narrow({name.replace("_", "-"): distance for name, distance in shortest.items()})
    return made


def energies(made: Repulsion, batch: Batch) -> torch.Tensor:
    numbers = [ase.data.atomic_numbers[symbol] for symbol in ELEMENTS]
    element = torch.tensor([numbers.index(number) for number in batch.atomic_numbers.tolist()])
    return made(batch, element).view(-1, 2).sum(dim=1)


@pytest.mark.parametrize(("one", "other", "distance"), [(6, 6, 0.5), (1, 8, 0.3), (1, 1, 0.7), (17, 35, 1.0)])
def test_the_potential_is_the_published_formula_worked_by_hand(one: int, other: int, distance: float) -> None:
    # e²/4πε₀ = 14.399645 eV Å and a₀ = 0.529177 Å, as textbooks give them
    x = distance / (0.8854 * 0.529177 / (one**0.23 + other**0.23))
    screening = (
        0.18175 * math.exp(-3.1998 * x)
        + 0.50986 * math.exp(-0.94229 * x)
        + 0.28022 * math.exp(-0.4029 * x)
        + 0.02817 * math.exp(-0.20162 * x)
    )
    found = universal_screening(*(torch.tensor([float(value)]) for value in (distance, one, other)))
    assert found.item() == pytest.approx(14.399645 * one * other / distance * screening, rel=1e-5)


def test_at_short_distances_nothing_is_screened() -> None:
    found = universal_screening(torch.tensor([1e-6]), torch.tensor([6.0]), torch.tensor([8.0]))
    assert found.item() == pytest.approx(14.399645 * 48 / 1e-6, rel=1e-4)


def test_it_is_whole_at_half_of_the_shortest_distance_and_exactly_nothing_from_there_on() -> None:
    made = repulsion(H_C=1.0)
    found = energies(made, dimers("C", "H", torch.tensor([0.3, 0.49, 0.99, 1.0, 1.5, 3.0])))
    whole = universal_screening(torch.tensor([0.3, 0.49]), torch.tensor([6.0, 6.0]), torch.tensor([1.0, 1.0]))
    torch.testing.assert_close(found[:2], whole, rtol=1e-12, atol=0)
    assert 0 < found[2] < 1e-3
    assert found[3:].tolist() == [0, 0, 0]


def test_energy_slope_and_curvature_are_continuous_and_it_always_repels() -> None:
    made = repulsion(H_C=1.0)
    distances = torch.linspace(0.2, 1.1, 2001, requires_grad=True)
    batch = dimers("C", "H", distances.detach())
    positions = torch.zeros_like(batch.positions).view(-1, 2, 3)
    positions[:, 1, 0] = distances
    energy = energies(made, batch._replace(positions=positions.view(-1, 3)))
    (slope,) = torch.autograd.grad(energy.sum(), distances, create_graph=True)
    (curvature,) = torch.autograd.grad(slope.sum(), distances)
    assert slope.max() <= 0
    for function, derivative in ((energy, slope), (slope, curvature)):
        step = 0.9 / 2000
        found, expected = function.diff() / step, (derivative[1:] + derivative[:-1]) / 2
        torch.testing.assert_close(found, expected, rtol=2e-3, atol=1e-4 * expected.abs().max().item())
    inside = (distances > 0.45) & (distances < 1.05)
    assert curvature[inside].diff().abs().max() < 0.02 * curvature[inside].abs().max()


def test_elements_that_were_never_in_one_molecule_repel_nearer_than_any_bond() -> None:
    for atoms, (one, other) in {"C2": ("C", "C"), "N2": ("N", "N"), "CO": ("C", "O"), "H2": ("H", "H")}.items():
        bond = {"C2": 1.24, "N2": 1.10, "CO": 1.13, "H2": 0.74}[atoms]
        found = energies(repulsion(), dimers(one, other, torch.tensor([bond, bond / 3])))
        assert found[0] == 0
        assert found[1] > 5


def test_elements_that_were_far_apart_do_not_repel_at_the_distance_of_a_hydrogen_bond() -> None:
    assert energies(repulsion(O_O=6.0), dimers("O", "O", torch.tensor([2.7]))).item() == 0


def test_a_second_training_set_takes_no_distance_away() -> None:
    made = repulsion(H_C=1.0, H_O=0.9)
    made.narrow({"C-H": 0.95, "H-O": 1.4, "C-C": 1.3})
    found = dict(zip(made.pairs, made.shortest.tolist(), strict=True))
    assert (found["H", "C"], found["H", "O"], found["C", "C"]) == (0.95, 0.9, 1.3)


@pytest.fixture
def molecules() -> Batch:
    return Batch.from_frames(*(rattled(name, seed) for seed, name in enumerate(["CH3OH", "O", "HCN", "H2", "CH3OH"])))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.stem)
def test_every_sum_of_atomic_energies_has_it_added_to_energies_and_forces(config: Path, molecules: Batch) -> None:
    potential = build(config, 0)
    if isinstance(potential, SGDML):
        assert potential.repulsion is None
        return
    made = repulsion(**{name.replace("-", "_"): distance for name, distance in SHORTEST.items()})
    potential.repulsion = None
    without = potential(molecules, forces=True)
    potential.repulsion = made
    added = potential(molecules, forces=True)
    positions = molecules.positions.clone().requires_grad_()
    of_atoms = made(molecules._replace(positions=positions), potential.element(molecules))
    of_atoms.sum().backward()
    assert of_atoms.max() > 0.1
    torch.testing.assert_close(added.atomic_energies - without.atomic_energies, of_atoms, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(added.forces - without.forces, -positions.grad, rtol=1e-9, atol=1e-9)


def test_forces_from_cached_features_have_it_too(molecules: Batch) -> None:
    potential = build(next(config for config in CONFIGS if config.stem == "ani_1x_zbl"), 0)
    one = molecules.select([0])
    jacobian = jacobians(potential.features, one)[0]

    class Cached:
        features = potential.features(one).detach()

        def position_gradient(self, to_features: torch.Tensor) -> torch.Tensor:
            return (jacobian @ to_features.flatten()).view(-1, 3)

    direct, cached = potential(one, forces=True), potential(one._replace(cached=Cached()), forces=True)
    torch.testing.assert_close(cached.energy, direct.energy, rtol=0, atol=1e-9)
    torch.testing.assert_close(cached.forces, direct.forces, rtol=0, atol=1e-9)


def test_it_is_off_unless_asked_for_and_has_no_weights() -> None:
    assert Pairwise(ELEMENTS).repulsion is None
    assert Pairwise(ELEMENTS, repulsion=True).num_parameters == Pairwise(ELEMENTS).num_parameters


class Hole(Springs):
    """Springs that a well at short distances breaks, deeper than all else, as a network may invent one."""

    def atomic_energies(self, batch: Batch, element: torch.Tensor) -> torch.Tensor:
        springs: torch.Tensor = super().atomic_energies(batch, element)
        first, second = batch.positions.view(-1, 2, 3).unbind(1)
        depth = 40 * torch.exp(-((first - second).norm(dim=1) / 0.4).square())
        return springs - depth.repeat_interleave(2) / 2


def test_a_potential_that_collapses_at_short_range_does_so_no_more() -> None:
    distances = torch.linspace(0.1, 0.7, 61)
    batch = dimers("C", "O", distances)
    pulls = []
    for on in (False, True):
        potential: Potential = Hole(ELEMENTS, repulsion=on).double().eval()
        potential.adapt(Statistics({}, 1.0, None, 1, {"C-O": 0.9}))
        forces = potential(batch, forces=True).forces.view(-1, 2, 3)
        pulls.append(forces[:, 0, 0])
        trained = dimers("C", "O", torch.linspace(0.9, 1.5, 13))
        assert torch.equal(potential(trained).energy, Hole(ELEMENTS).double()(trained).energy)
    collapsing, mended = pulls
    assert (collapsing > 0).all()  # the atoms are pulled into each other
    assert (mended < 0).all()
    assert STATISTICS.shortest_distances == SHORTEST
