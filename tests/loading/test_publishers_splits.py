from __future__ import annotations

import numpy as np
import pytest

from potbench.datasets import OfficialIndices
from potbench.errors import DataFileError
from potbench.loading.publishers_splits import require_sensible


def split(train: list[int], test: list[int], validation: list[int] | None = None) -> OfficialIndices:
    return OfficialIndices(np.array(train), np.array(test), None if validation is None else np.array(validation))


def test_splits_that_share_frames_with_each_other_pass() -> None:
    one, other = split([0, 1, 2], [3, 4]), split([4, 3, 2], [0, 1])
    with_validation = split([0, 1], [3, 4], [2])
    require_sensible({"01": one, "02": other, "03": with_validation}, 5, "some")


@pytest.mark.parametrize(
    ("splits", "says"),
    [
        ({"01": split([0, 1, 2], [2, 3])}, "1 frames are in the training and in the test set, such as frame 2"),
        ({"01": split([0, 1], [3], [1, 2])}, "1 frames are in the training and in the validation set"),
        ({"01": split([0, 1, 1], [2])}, "the training set has 1 frames more than once"),
        ({"01": split([0, 1], [7])}, "the test set has frames 7 to 7, and there are 5 frames"),
        ({"01": split([0, -1], [2])}, "the training set has frames -1 to 0"),
        ({"01": split([0, 1], [2]), "02": split([1, 0], [2])}, "the official splits 01 and 02 are the same"),
    ],
)
def test_what_cannot_be_right_is_named(splits: dict[str, OfficialIndices], says: str) -> None:
    with pytest.raises(DataFileError, match=says):
        require_sensible(splits, 5, "some")
