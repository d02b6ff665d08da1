from __future__ import annotations

import numpy as np
import pytest

from potbench.datasets import OfficialIndices
from potbench.errors import SettingError
from potbench.loading import OfficialSplit, Store
from potbench.loading.manifest import Origin
from tests.native_files.made import blocks


@pytest.fixture
def official(tmp_path) -> Store:
    splits = {
        "01": OfficialIndices(np.arange(12)[::-1], np.array([15, 13])),
        "known": OfficialIndices(np.array([3, 1]), np.array([18]), validation=np.array([9, 2])),
    }
    return Store.write(tmp_path / "store", blocks(), Origin(name="made"), lambda: splits)


def test_validation_is_drawn_from_the_official_training_set(official):
    indices = OfficialSplit("01", validation=4).divide(official)
    assert indices.test.tolist() == [13, 15]
    assert np.sort(np.concatenate([indices.train, indices.validation])).tolist() == list(range(12))
    assert len(indices.validation) == 4
    assert indices.fingerprint != OfficialSplit("01", validation=4, seed=1).divide(official).fingerprint


def test_an_official_validation_set_is_taken_as_it_is(official):
    indices = OfficialSplit("known").divide(official)
    assert [frames.tolist() for frames in indices] == [[1, 3], [2, 9], [18]]


def test_a_split_that_is_not_there_is_named_with_those_that_are(official):
    message = (
        r"made has no official split '02'; there is 01, known\. Expected .* Change the argument name of OfficialSplit"
    )
    with pytest.raises(SettingError, match=message):
        OfficialSplit("02").divide(official)


@pytest.mark.parametrize("validation", [0, 12, -3])
def test_a_validation_set_that_cannot_be_is_refused(official, validation):
    with pytest.raises(SettingError, match=r"validation frames out of 12\..*the argument validation of OfficialSplit"):
        OfficialSplit("01", validation).divide(official)
