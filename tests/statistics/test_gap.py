import numpy as np
import pytest

from potbench.statistics.gap import gap
from potbench.statistics.interval import Interval, mean_over_trainings


def test_intervals_cover_the_true_ratio() -> None:
    """Three trainings on one kind of test frames, four on another, 4,000 times."""
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(4000):
        near, far = random.normal(1.0, 0.1, 3), random.normal(5.0, 0.4, 4)
        found = gap(mean_over_trainings(near), mean_over_trainings(far))
        assert found is not None
        assert found.ratio == pytest.approx(far.mean() / near.mean())
        covered += found.interval is not None and found.interval.low <= 5.0 <= found.interval.high
    assert 0.94 < covered / 4000 < 0.99


def test_the_other_way_round_it_is_the_inverse() -> None:
    near, far = (mean_over_trainings(np.array(values)) for values in ([1.0, 1.1, 1.2], [4.0, 4.1, 5.0]))
    there, back = gap(near, far), gap(far, near)
    assert there is not None
    assert back is not None
    assert there.interval is not None
    assert back.interval == pytest.approx(Interval(1 / there.interval.high, 1 / there.interval.low))


@pytest.mark.parametrize(
    ("near", "far"),
    [([1.0, 1.1, 1.2], [2.0]), ([1.0, 1.1], [2.0, 2.1, 2.2]), ([1.0, 1.1, 1.2], [0.1, 5.0, 9.0])],
    ids=["one_training", "two_trainings", "reaches_zero"],
)
def test_without_intervals_of_both_there_is_a_ratio_alone(near: list[float], far: list[float]) -> None:
    found = gap(mean_over_trainings(np.array(near)), mean_over_trainings(np.array(far)))
    assert found is not None
    assert (found.ratio, found.interval) == (pytest.approx(np.mean(far) / np.mean(near)), None)


def test_without_an_error_there_is_none() -> None:
    some, none = mean_over_trainings(np.array([1.0, 1.1, 1.2])), mean_over_trainings(np.empty(0), 3)
    assert gap(some, none) is gap(none, some) is None
