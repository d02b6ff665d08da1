import math

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.statistics.interval import Interval, Source, degrees_of_freedom, half_width, mean_over_trainings
from tests.statistics.simulation import coverage

FRAMES = Interval(1.5, 2.5)


def test_three_trainings_worked_by_hand():
    found = mean_over_trainings(np.array([1.0, 2.0, 3.0]))
    # t(0.975, 2) = 4.302653, s = 1
    assert found.interval == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), abs=1e-5)
    assert (found.values, found.mean, found.basis) == ((1.0, 2.0, 3.0), 2.0, "interval over the trainings")


@pytest.mark.parametrize("trainings", [3, 5, 10])
def test_the_interval_over_trainings_covers_95_percent(trainings):
    errors = np.random.default_rng(1).normal(10, 1, (2000, trainings))
    assert 0.935 < coverage([mean_over_trainings(values).interval for values in errors], 10) < 0.965


@pytest.mark.parametrize(("trainings", "covers"), [(3, 0.70), (5, 0.84), (10, 0.91)])
def test_a_bootstrap_over_trainings_would_be_too_short(trainings, covers):
    random = np.random.default_rng(2)
    errors = random.normal(10, 1, (1000, trainings))
    drawn = random.integers(trainings, size=(1000, 500, trainings))
    means = np.take_along_axis(errors[:, None, :], drawn, axis=2).mean(axis=2)
    low, high = np.quantile(means, [0.025, 0.975], axis=1)
    bootstrap = np.mean((low <= 10) & (high >= 10))
    assert bootstrap == pytest.approx(covers, abs=0.04)
    assert bootstrap < coverage([mean_over_trainings(values).interval for values in errors], 10) - 0.03


@pytest.mark.parametrize(
    ("values", "diverged", "interval", "basis"),
    [
        ([], 3, None, "some trainings diverged"),
        ([2.0], 0, FRAMES, "one training"),
        ([1.0, 3.0], 0, None, "two trainings"),
        ([2.0, 2.0], 0, FRAMES, "frames only"),
        ([2.0, 2.0, 2.0 + 1e-14], 0, FRAMES, "frames only"),
        ([1.0, 3.0, 2.0], 1, None, "some trainings diverged"),
    ],
)
def test_what_has_no_interval_over_trainings_says_why(values, diverged, interval, basis):
    found = mean_over_trainings(np.array(values), diverged, FRAMES)
    assert (found.interval, found.basis, found.num_diverged) == (interval, basis, diverged)
    assert found.values == tuple(values)
    assert found.mean == (pytest.approx(2.0) if values else None)


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(SettingError, match=r"2 of 3 values are not finite.*a diverged training is counted"):
        mean_over_trainings(np.array([1.0, np.nan, np.inf]))


def test_degrees_of_freedom_worked_by_hand():
    # V = 1 with 2, and 1/2 with 1 degree of freedom: 1.5² / (1/2 + 1/4)
    assert degrees_of_freedom([Source(3.0, 3), Source(1.0, 2)]) == pytest.approx(3.0)
    # one that does not vary says nothing
    assert degrees_of_freedom([Source(3.0, 3), Source(0.0, 2)]) == pytest.approx(2.0)


def test_variances_may_be_as_small_as_numbers_get():
    assert degrees_of_freedom([Source(3e-200, 3), Source(1e-200, 2)]) == pytest.approx(3.0)


def test_what_samples_share_does_not_average_out():
    assert Source(8.0, 10**9, 0.25).variance_of_mean == pytest.approx(2.0)


def test_nothing_varies_without_variance():
    assert half_width([Source(0.0, 3)]) == 0
    assert half_width([]) == 0
    assert degrees_of_freedom([]) == math.inf
