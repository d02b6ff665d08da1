from __future__ import annotations

import numpy as np
import pytest

from potbench.inference.drift import Drift


def test_drift_and_fluctuation_are_those_of_least_squares() -> None:
    random = np.random.default_rng(0)
    times = np.arange(1, 200) * 0.005
    energies = -40_000 + np.outer(times, [0.02, -0.3]) + random.normal(0, 1e-3, (199, 2))
    drift = Drift(energies[0])
    for time, energy in zip(times, energies, strict=True):
        drift.add(time, energy)
    slopes, offsets = np.polyfit(times, energies - energies[0], 1)
    assert drift.slope == pytest.approx(slopes, rel=1e-6)
    rest = energies - energies[0] - np.outer(times, slopes) - offsets
    assert drift.fluctuation == pytest.approx(np.sqrt((rest**2).mean(axis=0)), rel=1e-4)


@pytest.mark.parametrize("samples", [0, 1])
def test_without_samples_nothing_drifts(samples: int) -> None:
    drift = Drift(np.zeros(2))
    for _ in range(samples):
        drift.add(1.0, np.ones(2))
    assert drift.slope.tolist() == drift.fluctuation.tolist() == [0, 0]
