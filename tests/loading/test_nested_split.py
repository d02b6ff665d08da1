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
