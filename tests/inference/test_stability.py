from __future__ import annotations

import numpy as np
import pytest
import torch
from ase.build import molecule

from potbench.inference.dynamics import Dynamics
from potbench.inference.stability import Stability
from tests.inference.toy import Springs


@pytest.fixture
def dynamics() -> Dynamics:
    """Three replicas of methanol."""
    atoms = molecule("CH3OH")
    return Dynamics(Springs(["H", "C", "O"]), atoms.numbers, atoms.positions, replicas=3, temperature=300)


def moved(dynamics: Dynamics, replica: int, atom: int, by: list[float]) -> Dynamics:
    positions = dynamics.state.positions.clone()
    positions[replica, atom] += torch.tensor(by, dtype=torch.float64)
    dynamics.state = dynamics.state._replace(positions=positions)
    return dynamics


def test_bonds_are_those_of_the_molecule(dynamics: Dynamics) -> None:
    stability = Stability(dynamics)
    bonded = {tuple(sorted(pair)) for pair in stability.pairs[:, stability.bonded].T.tolist()}
    # C and O, three hydrogens on C, one on O
    assert bonded == {(0, 1), (0, 2), (1, 3), (0, 4), (0, 5)}
    assert stability.failures(dynamics) == []


@pytest.mark.parametrize("by", [0.45, 0.55])
def test_a_bond_breaks_at_half_an_angstrom(dynamics: Dynamics, by: float) -> None:
    stability = Stability(dynamics)
    direction = dynamics.state.positions[0, 3] - dynamics.state.positions[0, 1]
    along = (by * direction / direction.norm()).tolist()
    failures = stability.failures(moved(dynamics, 1, 3, along))
    assert [failure.replica for failure in failures] == ([1] if by > 0.5 else [])
    if failures:
        length = float(direction.norm())
        assert failures[0].what == (
            f"broke: atoms 1 (O) and 3 (H), which are bonded, are {length + by:.2f} Å apart, and were {length:.2f} Å "
            "at the start"
        )


def test_atoms_that_are_not_bonded_may_part(dynamics: Dynamics) -> None:
    stability = Stability(dynamics)
    # the hydroxyl group rotates
    positions = dynamics.state.positions.clone()
    positions[0, 3] = positions[0, 1] - (positions[0, 3] - positions[0, 1]) * torch.tensor([1.0, -1, 1])
    dynamics.state = dynamics.state._replace(positions=positions)
    assert stability.failures(dynamics) == []


def test_a_collision_is_seen(dynamics: Dynamics) -> None:
    stability = Stability(dynamics)
    positions = dynamics.state.positions
    (failure,) = stability.failures(moved(dynamics, 2, 3, (positions[2, 4] - positions[2, 3] + 0.1).tolist()))
    assert failure.replica == 2
    assert failure.what == "collapsed: atoms 3 (H) and 4 (H) are 0.17 Å apart"


def test_atoms_that_are_not_bonded_may_not_collide() -> None:
    apart = np.array([[0.0, 0, 0], [0, 0, 1.5]])
    dynamics = Dynamics(Springs(["H"]), np.array([1, 1]), apart, replicas=2)
    stability = Stability(dynamics)
    assert not stability.bonded.any()
    assert stability.failures(moved(dynamics, 1, 1, [0.0, 0, -1.05])) == []
    (failure,) = stability.failures(moved(dynamics, 1, 1, [0.0, 0, -0.1]))
    assert failure == (1, "collapsed: atoms 0 (H) and 1 (H) are 0.35 Å apart")


@pytest.mark.parametrize("value", [50.0, np.nan])
def test_an_explosion_is_seen(dynamics: Dynamics, value: float) -> None:
    stability = Stability(dynamics)
    momenta = dynamics.state.momenta.clone()
    momenta[0] *= value
    dynamics.state = dynamics.state._replace(momenta=momenta)
    (failure,) = stability.failures(dynamics)
    assert failure.replica == 0
    assert "exploded: its temperature is" in failure.what


def test_an_energy_that_is_no_number_is_an_explosion(dynamics: Dynamics) -> None:
    stability = Stability(dynamics)
    dynamics.state = dynamics.state._replace(energy=torch.tensor([0.0, np.nan, 0.0]))
    assert [failure.replica for failure in stability.failures(dynamics)] == [1]


def test_a_lone_atom_has_nothing_to_break() -> None:
    dynamics = Dynamics(Springs(["O"]), np.array([8]), np.zeros((1, 3)))
    assert Stability(dynamics).failures(dynamics) == []


def test_bonds_may_be_compared_with_their_means_in_data(dynamics: Dynamics) -> None:
    start = dynamics.state.positions[0]
    stretched = start.clone()
    stretched[3] += 0.5 * (start[3] - start[1]) / (start[3] - start[1]).norm()
    stability = Stability(dynamics, torch.stack([start, stretched]).numpy())
    assert stability.failures(dynamics) == []  # a quarter of an Å from the mean
    failures = stability.failures(moved(dynamics, 2, 3, (-0.27 * (start[3] - start[1])).tolist()))
    assert [failure.replica for failure in failures] == [2]
    assert failures[0].what.endswith("were 1.22 Å on average in the data")
