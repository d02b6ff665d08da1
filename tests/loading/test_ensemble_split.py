from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.loading import CalibrationSplit, EnsembleSplit, Folds, KFold, RandomSplit

INNER = CalibrationSplit(RandomSplit(11, 3, 4), calibration=2)


def test_what_any_member_trained_on_trains_and_test_and_calibration_frames_are_those_of_all(store):
    folds = [Folds(INNER, fold, 3) for fold in range(3)]
    members = [fold.divide(store) for fold in folds]
    found = EnsembleSplit(folds).divide(store)
    np.testing.assert_array_equal(found.train, np.unique(np.concatenate([each.train for each in members])))
    assert not len(found.validation)
    np.testing.assert_array_equal(found.test, members[0].test)
    np.testing.assert_array_equal(found.calibration, members[0].calibration)
    assert len(found.calibration) == 2


def test_frames_that_validate_one_member_and_train_none_validate(store):
    folds = [Folds(INNER, 0, 3), Folds(INNER, 0, 3)]
    np.testing.assert_array_equal(EnsembleSplit(folds).divide(store).validation, folds[0].divide(store).validation)


@pytest.mark.parametrize("other", [RandomSplit(11, 3, 4, seed=1), KFold(1, 3)])
def test_test_frames_that_another_member_trained_on_are_refused(store, other):
    with pytest.raises(SettingError, match="test frames of members trained or validated other members"):
        EnsembleSplit([INNER, other]).divide(store)
