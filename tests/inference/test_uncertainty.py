from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.io import read

from potbench.errors import SettingError
from potbench.inference.simulation import Plan, simulate
from potbench.potentials import Ensemble
from tests.inference.toy import Springs

WATER = Atoms("OHH", [[0, 0, 0], [1, 0, 0], [0.5, np.sqrt(3) / 2, 0]])
PLAN = Plan(time=0.05, step=0.5, replicas=2, frame_every=4.0, temperature=2000.0)


class Stiffer(Springs):
    stiffness = 33.0


def pair() -> Ensemble:
    return Ensemble(["H", "O"], [Springs(["H", "O"]), Stiffer(["H", "O"])]).eval()


def largest(potential: Ensemble, atoms: Atoms) -> float:
    return float(np.linalg.norm(potential.predict(atoms).forces_spread, axis=1).max())


def test_it_stops_where_the_spread_of_a_force_exceeds_the_bound_and_saves_that_structure(tmp_path):
    found = simulate(pair(), WATER, tmp_path / "a", replace(PLAN, stop_spread=0.1))
    assert 0 < found.time < PLAN.time
    assert "eV/Å, above 0.1" in found.stopped
    saved = read(tmp_path / "a" / "uncertain.xyz", ":")
    assert saved
    for atoms in saved:
        assert largest(pair(), atoms) > 0.1
        assert atoms.calc is None  # no predictions that could be taken for labels
        assert "predicted_energy" in atoms.info
        assert np.linalg.norm(atoms.arrays["forces_spread"], axis=1).max() == pytest.approx(
            largest(pair(), atoms), rel=1e-5
        )


def test_stopped_dynamics_go_on_with_a_larger_bound_to_the_numbers_of_unbroken_ones(tmp_path):
    stopped = simulate(pair(), WATER, tmp_path / "a", replace(PLAN, stop_spread=0.1))
    again = simulate(pair(), WATER, tmp_path / "a", replace(PLAN, stop_spread=0.1))
    assert (again.stopped, again.time) == (stopped.stopped, stopped.time)
    assert not simulate(pair(), WATER, tmp_path / "a", replace(PLAN, stop_spread=1e9)).stopped
    simulate(pair(), WATER, tmp_path / "b", PLAN)
    assert (tmp_path / "a" / "log.csv").read_text() == (tmp_path / "b" / "log.csv").read_text()


def test_a_single_potential_has_no_spread_to_stop_at(tmp_path):
    with pytest.raises(SettingError, match="Springs, which has no spread"):
        simulate(Springs(["H", "O"]), WATER, tmp_path / "a", replace(PLAN, stop_spread=0.1))
