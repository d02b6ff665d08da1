import math

import numpy as np
import pytest

from potbench.statistics.interval import Basis, Source, half_width
from potbench.statistics.ratio import FrameErrors, Ratio, ratio
from potbench.statistics.verdict import Remedy, WouldDecide, is_equal, would_decide

FRAMES = (Source(1e-2, 1000),)


def varying(log_ratio, spread, trainings=3, frames=FRAMES, basis=Basis.TRAININGS):
    return Ratio(log_ratio, (Source(spread**2, trainings),) * 2, frames, basis)


@pytest.mark.parametrize(
    ("log_ratio", "spread", "equal"), [(0.0, 0.01, True), (0.0, 0.1, False), (0.06, 0.001, False), (-0.03, 0.01, True)]
)
def test_equal_errors_have_their_90_percent_interval_within_the_smallest_difference(log_ratio, spread, equal):
    found = varying(log_ratio, spread)
    assert is_equal(found, 0.05) == equal == is_equal(found.inverse(), 0.05)
    low, high = found.interval(0.90)
    assert equal == (low > 1 / 1.05 and high < 1.05)


def test_architectures_that_differ_by_the_smallest_difference_are_called_equal_in_5_percent_of_studies():
    random = np.random.default_rng(21)
    blocks = np.arange(100)
    wrong = []
    for _ in range(1500):
        hard = random.normal(0, 0.1, 100)
        first, second = (
            FrameErrors(mean * (1 + hard + random.normal(0, 0.02, (5, 1)) + random.normal(0, 1e-3, (5, 100))))
            for mean in (1.05, 1)
        )
        wrong.append(is_equal(ratio(first, second, blocks), 0.05))
    assert 0.02 < np.mean(wrong) < 0.08


def test_as_many_trainings_as_said_decide_and_one_less_does_not():
    found = varying(0.10, 0.12)
    said = would_decide(found, 0.05)
    assert said.remedy == "more trainings"

    def decided(number):
        return half_width(found.with_trainings(number).sources) < 0.10

    # V_blocks = 1e-5; at t ≈ 2.1, 2 · 0.12²/S′ + 1e-5 ≈ (0.10/2.1)² gives 12 to 13
    assert said.trainings in (12, 13)
    assert decided(said.trainings)
    assert not decided(said.trainings - 1)


def test_equal_architectures_are_decided_by_showing_that_they_are_equal():
    said = would_decide(varying(0.0, 0.05), 0.05)
    assert said.remedy is Remedy.TRAININGS
    assert half_width(varying(0.0, 0.05, said.trainings).sources, 0.90) < math.log(1.05)
    assert half_width(varying(0.0, 0.05, said.trainings - 1).sources, 0.90) >= math.log(1.05)


def test_unequal_numbers_of_trainings_count_from_the_smaller():
    found = Ratio(0.1, (Source(0.15**2, 3), Source(1e-6, 30)), FRAMES, Basis.TRAININGS)
    assert 3 < would_decide(found, 0.05).trainings < 30


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (varying(0.02, 0.01, frames=(Source(1.0, 100),)), WouldDecide(Remedy.FRAMES)),
        (varying(0.02, 0.1, basis=Basis.TOO_CORRELATED), WouldDecide(Remedy.FRAMES)),
        (Ratio(0.02, (), (Source(1.0, 100),), Basis.FRAMES), WouldDecide(Remedy.FRAMES)),
        (Ratio(0.02, (), (Source(1.0, 100),), Basis.MOLECULES), WouldDecide(Remedy.FRAMES)),
        (Ratio(0.02, (Source(1.0, 5, 0.25),), (), Basis.FOLDS), WouldDecide(Remedy.DATA)),
        (varying(0.02, 0.1, basis=Basis.ONE_TRAINING), WouldDecide(Remedy.TRAININGS, 3)),
        (varying(0.02, 0.1, trainings=2, basis=Basis.TWO_TRAININGS), WouldDecide(Remedy.TRAININGS, 3)),
        (varying(0.02, 0.1, basis=Basis.DIVERGED), WouldDecide(Remedy.FINISHED_TRAININGS)),
        (Ratio(0.01, (Source(0.01, 15, 0.25),), (), Basis.TRAININGS), WouldDecide(Remedy.FRAMES)),
    ],
)
def test_what_trainings_cannot_decide_needs_something_else(found, said):
    assert would_decide(found, 0.05) == said


@pytest.mark.parametrize("basis", [Basis.ONE_TRAINING, Basis.TWO_TRAININGS, Basis.DIVERGED, Basis.TOO_CORRELATED])
def test_what_decides_no_difference_decides_no_equality(basis):
    assert is_equal(varying(0.0, 0.001), 0.05)
    assert not is_equal(varying(0.0, 0.001, basis=basis), 0.05)
