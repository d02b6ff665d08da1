from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from potbench.studies.searches.expected_best import best_so_far, expected_best

VALUES = np.array([3.0, 1.0, 2.5, 7.0, 1.0, 4.0])


def test_the_expected_best_is_the_mean_over_all_ways_to_draw() -> None:
    expected = expected_best(VALUES)
    for drawn in range(1, len(VALUES) + 1):
        every = [min(some) for some in combinations(VALUES, drawn)]
        assert expected[drawn - 1] == pytest.approx(np.mean(every), rel=1e-12)


def test_where_all_that_are_drawn_may_have_no_result_nothing_is_expected() -> None:
    expected = expected_best(np.array([2.0, np.inf, 1.0, np.inf]))
    assert np.isnan(expected).tolist() == [True, True, False, False]
    assert expected[2:].tolist() == pytest.approx([1.25, 1.0])


def test_hundreds_of_trials_lose_no_digits() -> None:
    expected = expected_best(np.arange(1.0, 501.0))
    # E[min] of n of 1 … N is (N + 1) / (n + 1)
    assert expected == pytest.approx(501 / np.arange(2, 502), rel=1e-9)


def test_the_best_so_far_falls_and_begins_with_the_first_result() -> None:
    found = best_so_far(np.array([np.inf, 3.0, 4.0, 2.0]))
    assert np.isnan(found[0])
    assert found[1:].tolist() == [3.0, 3.0, 2.0]
