from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.loading import NestedSplit, RandomSplit

INNER = RandomSplit(11, 4, 4)


def test_each_smaller_training_set_lies_inside_the_larger(store):
    sets = [set(NestedSplit(INNER, size).divide(store).train.tolist()) for size in range(1, 12)]
    assert [len(frames) for frames in sets] == list(range(1, 12))
    assert all(smaller < larger for smaller, larger in pairwise(sets))


def test_validation_and_test_stay_as_they_are(store):
    whole, cut = INNER.divide(store), NestedSplit(INNER, 3).divide(store)
    np.testing.assert_array_equal(cut.validation, whole.validation)
    np.testing.assert_array_equal(cut.test, whole.test)


def test_other_seeds_add_frames_in_another_order(store):
    assert len({NestedSplit(INNER, 5, seed).divide(store).fingerprint for seed in range(10)}) > 5


def drawn(store, rules) -> list[int]:
    """Count the different training, validation and test sets."""
    return [len({one.tobytes() for one in sets}) for sets in zip(*(rule.divide(store) for rule in rules), strict=True)]


def test_training_frames_are_drawn_anew_alone(store):
    num_train, *others = drawn(store, [NestedSplit(INNER, 5, seed) for seed in range(9)])
    assert num_train > 5
    assert others == [1, 1]


def test_validation_frames_are_drawn_anew_alone(store):
    num_train, num_validation, num_test = drawn(store, [NestedSplit(INNER, 5, 0, seed) for seed in range(9)])
    assert num_validation > 5
    assert (num_train, num_test) == (1, 1)


def test_both_are_drawn_anew_where_all_training_frames_are_used(store):
    whole = INNER.divide(store)
    rules = [NestedSplit(INNER, seed=seed, validation_seed=seed) for seed in range(9)]
    num_train, num_validation, num_test = drawn(store, rules)
    assert min(num_train, num_validation) > 5
    assert num_test == 1
    for sets in (rule.divide(store) for rule in rules):
        assert [len(one) for one in sets] == [len(one) for one in whole]
        assert set(sets.train.tolist()) | set(sets.validation.tolist()) == {*whole.train, *whole.validation}


def test_validation_frames_come_on_top_of_training_sets_that_grow(store):
    sets = [NestedSplit(INNER, size, 1, 1).divide(store) for size in (2, 5, 11)]
    assert all(set(one.train.tolist()) < set(other.train.tolist()) for one, other in pairwise(sets))
    for one in sets:
        assert len(one.validation) == 4
        assert not np.intersect1d(one.train, one.validation).size


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (0, "size is 0, expected more than 0"),
        (12, "asks for 12 of 11 training frames. Expected no more than there are"),
    ],
)
def test_sizes_that_cannot_be_are_refused(store, size, message):
    with pytest.raises(SettingError, match=message) as caught:
        NestedSplit(INNER, size).divide(store)
    assert (caught.value.owner, caught.value.setting) == (NestedSplit, "size")
