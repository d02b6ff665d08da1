import math

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.statistics.blocks import block_mean, correlation_time, time_blocks
from tests.statistics.simulation import correlated, coverage


def test_blocks_of_two_sizes_worked_by_hand():
    found = block_mean(np.array([1.0, 3.0, 5.0]), np.array([7, 7, 2]))
    # T = 4, 5 and n = 2, 1: m = 3, T − m n = −2, 2, V = 2/1 · 8/9
    assert found.mean == pytest.approx(3)
    assert found.source.variance_of_mean == pytest.approx(16 / 9)
    assert found.source.number == 2


def test_weights_count_as_repeated_frames():
    values, blocks, weights = np.array([1.0, 4.0, 2.0, 5.0]), np.array([0, 0, 1, 2]), np.array([3, 1, 2, 1])
    repeated = block_mean(np.repeat(values, weights), np.repeat(blocks, weights))
    weighted = block_mean(values, blocks, weights)
    assert weighted.mean == pytest.approx(repeated.mean)
    assert weighted.source == pytest.approx(repeated.source)


def test_independent_frames_give_the_familiar_standard_error():
    values = np.random.default_rng(0).normal(size=50)
    variance = block_mean(values, np.arange(50)).source.variance_of_mean
    assert variance == pytest.approx(values.var(ddof=1) / 50)


def test_the_interval_of_a_correlated_trajectory_covers_95_percent_in_blocks_of_time_alone():
    errors = 1 + np.abs(correlated(np.random.default_rng(3), 0.9, (800, 2000)))
    truth = 1 + math.sqrt(2 / math.pi)
    times = np.arange(2000)
    in_blocks = [block_mean(one, time_blocks(times, correlation_time(one))).interval() for one in errors]
    assert 0.92 < coverage(in_blocks, truth) < 0.98
    assert coverage([block_mean(one, times // 10).interval() for one in errors], truth) < 0.90
    assert coverage([block_mean(one, times).interval() for one in errors], truth) == pytest.approx(0.50, abs=0.05)


@pytest.mark.parametrize("equal", [True, False])
def test_the_interval_of_frames_of_a_molecule_covers_95_percent_over_molecules_alone(equal):
    random = np.random.default_rng(4)
    over_molecules, over_frames = [], []
    for _ in range(1000):
        sizes = np.full(16, 50) if equal else random.integers(20, 100, 16)
        molecules = np.repeat(np.arange(16), sizes)
        between, within = random.normal(size=16) * 0.3**0.5, random.normal(size=len(molecules)) * 0.7**0.5
        errors = 5 + between[molecules] + within
        over_molecules.append(block_mean(errors, molecules).interval())
        over_frames.append(block_mean(errors, np.arange(len(errors))).interval())
    assert 0.92 < coverage(over_molecules, 5) < 0.98
    assert coverage(over_frames, 5) < 0.45


def test_the_interval_of_an_rmse_covers_95_percent():
    squares = 4 * np.random.default_rng(5).normal(size=(1500, 200)) ** 2
    assert 0.92 < coverage([block_mean(one, np.arange(200)).root().interval() for one in squares], 2) < 0.98


def test_without_errors_the_rmse_is_zero_and_does_not_vary():
    assert block_mean(np.zeros(20), np.arange(20)).root().interval() == (0, 0)


@pytest.mark.parametrize("num_blocks", [1, 2, 9])
def test_fewer_than_ten_blocks_are_too_correlated_for_an_interval(num_blocks):
    found = block_mean(np.arange(90.0), np.arange(90) * num_blocks // 90)
    assert found.source.number == num_blocks
    assert found.interval() is None
    assert math.isinf(found.source.variance) == (num_blocks == 1)
    assert block_mean(np.arange(90.0), np.arange(90) // 9).interval() is not None


@pytest.mark.parametrize(("correlation", "time"), [(0.0, 1.0), (0.5, 3.0), (0.9, 19.0)])
def test_the_correlation_time_of_a_series_of_first_order_is_known(correlation, time):
    series = correlated(np.random.default_rng(6), correlation, (100_000,))
    assert correlation_time(series) == pytest.approx(time, rel=0.1)


@pytest.mark.parametrize("values", [[], [1.0], [0.1] * 7])
def test_what_does_not_vary_is_not_correlated(values):
    assert correlation_time(np.array(values)) == 1


def test_blocks_of_time_are_long_enough_and_of_equal_length():
    times = np.arange(1000) + 5000
    assert np.bincount(time_blocks(times, 1.0)).tolist() == [100] * 10
    assert np.bincount(time_blocks(times, 30.0)).tolist() == [167, 167, 166, 167, 167, 166]
    assert set(time_blocks(times, 500.0)) == {0}


def test_blocks_of_time_see_how_far_apart_the_test_frames_are():
    # every tenth step: 5 correlation times of 4 frames are 200 steps
    times = np.random.default_rng(7).permutation(np.arange(0, 10_000, 10))
    blocks = time_blocks(times, 4.0)
    assert len(set(blocks)) == 50
    assert all(np.ptp(times[blocks == block]) <= 210 for block in set(blocks))


@pytest.mark.parametrize(
    ("values", "blocks", "reason"),
    [
        ([1.0, np.nan], [0, 1], "1 of 2 values are not finite"),
        ([], [], "There are 0 values"),
        ([1.0, 2.0], [0], "There are 2 values, 1 blocks and 2 weights"),
    ],
)
def test_frames_without_a_mean_are_refused(values, blocks, reason):
    with pytest.raises(SettingError, match=reason):
        block_mean(np.array(values), np.array(blocks, dtype=int))


def test_the_ends_of_a_series_do_not_meet():
    series = np.arange(30) - 14.5
    correlations = [series[:-lag] @ series[lag:] / (series @ series) for lag in range(1, 30)]
    times = 1 + 2 * np.cumsum(correlations)
    enough = next(lag for lag in range(1, 30) if lag >= 5 * times[lag - 1])
    assert correlation_time(series) == pytest.approx(times[enough - 1])
    assert times[enough - 1] > 3
