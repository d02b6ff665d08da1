from __future__ import annotations

import numpy as np
import pytest

from potbench.examination.distances import WIDTH, Distances, distributions
from potbench.structures import FloatArray


def chain(random: np.random.Generator, frames: int, stays: float) -> FloatArray:
    """Three atoms in a line; the last jumps between two places, and stays where it is with this probability."""
    jumps = random.random(frames) > stays
    jumps[0] = True
    place = random.integers(2, size=frames)[np.maximum.accumulate(np.where(jumps, np.arange(frames), 0))]
    positions = np.zeros((frames, 3, 3))
    positions[:, 1, 0] = 1 + 0.05 * random.normal(size=frames)
    positions[:, 2, 0] = 2 + 0.3 * place + 0.05 * random.normal(size=frames)
    return distributions(positions)


def test_distributions_are_shares_of_all_distances() -> None:
    triangle = np.array([[0, 0, 0], [3.01, 0, 0], [0, 4.01, 0]])
    found = distributions(np.stack([triangle, 10 * triangle]))
    assert found.sum(axis=1) == pytest.approx(1)
    assert (np.flatnonzero(found[0]) * WIDTH).tolist() == pytest.approx([3.0, 4.0, 5.0])
    assert np.flatnonzero(found[1]).tolist() == [499]  # longer than the longest


def test_a_shift_by_some_bins_is_that_far_in_w1() -> None:
    one = chain(np.random.default_rng(0), 50, 0)
    first = Distances.of(np.array_split(one, 2))
    second = Distances.of(np.array_split(np.roll(one, 3, axis=1), 2))
    assert first.apart(second).w1 == pytest.approx(3 * WIDTH, rel=1e-5)
    assert first.apart(first) == (0, 0)


@pytest.mark.parametrize("stays", [0.0, 0.9])
def test_two_samples_of_one_distribution_are_as_far_apart_as_the_floor_however_correlated_they_are(
    stays: float,
) -> None:
    random = np.random.default_rng(1)
    apart, floors, numbers = [], [], []
    for _ in range(15):
        dynamics = Distances.of([chain(random, 200, stays) for _ in range(8)])
        data = Distances.of(np.array_split(chain(random, 1000, stays), 10))
        apart.append(dynamics.apart(data))
        floors.append(dynamics.floor(data))
        numbers.append(dynamics.number)
    assert np.mean(apart, axis=0) == pytest.approx(np.mean(floors, axis=0), rel=0.2)
    # a frame counts as (1 − p)/(1 + p) of the last atom, which stays with probability p, and as 1 of the other one
    least = (1 - stays) / (1 + stays)
    assert 0.8 * least < np.mean(numbers) / 1600 < 4 * least
