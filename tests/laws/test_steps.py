"""A step is found among walls and kinks, with its place and height."""

from __future__ import annotations

import math

import numpy as np
import pytest

from potbench.laws.steps import integrals, largest_step
from potbench.structures import FloatArray

PATH = np.linspace(0.8, 6.0, 200)
STEP = 3.0


def misfits(height: float, kinks: FloatArray) -> object:
    """Of an energy with a wall, a step, and forces that jump by 1 at kinks, against the work of its forces."""

    def of(q: FloatArray) -> FloatArray:
        beyond = np.maximum(q[..., None] - kinks, 0)
        energy = q**-12 + height * (q > STEP) + beyond.sum(axis=-1)
        force = 12 * q**-13 - (beyond > 0).sum(axis=-1)
        return np.diff(energy) + integrals(force, q[0, 1] - q[0, 0])

    return of


@pytest.mark.parametrize("kinks", [np.zeros(0), np.array([1.711, 2.512, 4.213])])
def test_a_step_beside_a_wall_and_kinks_is_found(kinks: FloatArray) -> None:
    of = misfits(1e-3, kinks)
    found = largest_step(of, PATH, of(PATH[None])[0], 1e-6)
    assert found.height == pytest.approx(1e-3, rel=1e-2)
    assert found.at == pytest.approx(STEP, abs=2e-6)


@pytest.mark.parametrize("kinks", [np.zeros(0), np.array([1.711, 2.512, 4.213])])
def test_what_has_no_step_has_one_of_zero(kinks: FloatArray) -> None:
    of = misfits(0, kinks)
    assert largest_step(of, PATH, of(PATH[None])[0], 1e-6).height < 1e-6


def test_what_is_not_finite_is_no_step_of_zero() -> None:
    def of(q: FloatArray) -> FloatArray:
        return np.where(q[:, 1:] > STEP, np.nan, 0.0)

    assert math.isnan(largest_step(of, PATH, of(PATH[None])[0], 1e-6).height)


def test_integrals_of_a_cubic_are_exact_inside() -> None:
    q = np.linspace(0, 1, 11)
    assert integrals(q**3, 0.1)[1:-1] == pytest.approx(np.diff(q**4)[1:-1] / 4, abs=1e-15)
