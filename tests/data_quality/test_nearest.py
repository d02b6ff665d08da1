from __future__ import annotations

import numpy as np
import pytest

from potbench.data_quality import nearest
from potbench.data_quality.leakage import sorted_distances
from potbench.data_quality.nearest import nearest_of_each
from potbench.loading import Store
from tests.native_files.made import frames


@pytest.fixture
def store(tmp_path) -> Store:
    """Six frames of methanol, six of water, and four of ammonia, which only tests."""
    return Store.write(tmp_path / "store", [frames("CH3OH", 6), frames("H2O", 6), frames("NH3", 4)])


TEST = np.array([0, 3, 7, 11, 13])
TRAIN = np.array([1, 2, 4, 6, 8, 9])


def expected(store: Store, frame: int) -> float:
    """The smallest distance to a training frame, one at a time."""
    same = [each for each in TRAIN if (each < 6) == (frame < 6) and frame < 12]
    own = sorted_distances(store, np.array([frame]))
    each = [sorted_distances(store, np.array([other])) - own for other in same]
    return min((np.sqrt((difference**2).mean()) for difference in each), default=np.inf)


@pytest.mark.parametrize("at_once", [1, 20, 10**6])
def test_each_test_frame_is_as_far_as_the_nearest_training_frame_of_its_composition(store, monkeypatch, at_once):
    monkeypatch.setattr(nearest, "AT_ONCE", at_once)
    found = nearest_of_each(store, TEST, TRAIN)
    np.testing.assert_allclose(found, [expected(store, frame) for frame in TEST], rtol=1e-9)
    assert np.isinf(found).tolist() == [False, False, False, False, True]


def test_a_copy_of_a_training_frame_has_no_distance_to_it(store):
    assert nearest_of_each(store, np.array([2, 9]), TRAIN) == pytest.approx([0, 0], abs=1e-6)


def test_of_many_test_frames_some_are_drawn_and_the_others_are_not_known(store, monkeypatch):
    whole = nearest_of_each(store, TEST, TRAIN)
    monkeypatch.setattr(nearest, "MOST_TEST", 3)
    found = nearest_of_each(store, TEST, TRAIN)
    drawn = ~np.isnan(found)
    assert drawn.sum() == 3
    np.testing.assert_allclose(found[drawn], whole[drawn], rtol=1e-12)
    np.testing.assert_array_equal(found, nearest_of_each(store, TEST, TRAIN))


def test_of_many_training_frames_the_nearest_of_those_drawn_is_found(store, monkeypatch):
    whole = nearest_of_each(store, TEST, TRAIN)
    monkeypatch.setattr(nearest, "MOST_TRAINING", 2)
    found = nearest_of_each(store, TEST, TRAIN)
    assert (found >= whole - 1e-12).all()
    assert (found > whole + 1e-6).any()
