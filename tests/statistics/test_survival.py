from __future__ import annotations

import numpy as np
import pytest

from potbench.statistics.survival import share_interval, survival


def test_the_curve_and_its_intervals_are_those_of_greenwood() -> None:
    ends = np.array([1.0, 2.0, 2.0, 4.0, *[np.inf] * 4])
    found = survival(ends, 5.0)
    assert found.times.tolist() == [0, 1, 2, 4, 5]
    assert found.shares == pytest.approx([1, 7 / 8, 5 / 8, 1 / 2, 1 / 2])
    # Σ d/(n (n − d)) over deaths d among n, for log(−log S)
    spread = np.sqrt(np.cumsum([1 / (8 * 7), 2 / (7 * 5), 1 / (5 * 4)])) / np.abs(np.log(found.shares[1:4]))
    for sign, bounds in ((1, found.lows), (-1, found.highs)):
        expected = found.shares[1:4] ** np.exp(sign * 1.959964 * spread)
        assert bounds[1:4] == pytest.approx(expected, rel=1e-5)
    assert np.isnan(found.lows[0])


@pytest.mark.filterwarnings("error")
def test_all_that_lasts_and_all_that_ends_have_a_curve_without_intervals() -> None:
    lasting = survival(np.full(8, np.inf), 5.0)
    assert lasting.shares.tolist() == [1, 1]
    assert lasting.times.tolist() == [0, 5]
    ended = survival(np.full(3, 1.0), 5.0)
    assert ended.shares.tolist() == [1, 0, 0]
    assert np.isnan(ended.lows).all()


def test_eight_of_eight_are_at_least_sixty_three_percent() -> None:
    found = share_interval(8, 8)
    assert (found.low, found.high) == (pytest.approx(0.025 ** (1 / 8)), 1)
