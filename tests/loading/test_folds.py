from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.loading import CalibrationSplit, Folds, KFold, MoleculeSplit, NestedSplit, RandomSplit, Store
from tests.native_files.made import frames

INNER = RandomSplit(11, 4, 4)


@pytest.fixture(scope="module")
def molecules(tmp_path_factory) -> Store:
    """Sixteen molecules of very different numbers of frames, some in several chunks."""
    chunks = [frames("CH4", 2 + 7 * number)._replace(molecule=f"molecule {number}") for number in range(16)]
    chunks += [frames("CH4", 5)._replace(molecule=f"molecule {number}") for number in (3, 0)]
    return Store.write(tmp_path_factory.mktemp("store") / "store", chunks)


def names(store: Store, indices) -> set[str]:
    return set(store.molecule_names[store.molecule_of(indices)])


def test_every_frame_of_the_pool_validates_in_exactly_one_fold_and_the_test_set_never_changes(store):
    whole = INNER.divide(store)
    pool = np.sort(np.concatenate([whole.train, whole.validation]))
    folds = [Folds(INNER, fold, 5, seed=3).divide(store) for fold in range(5)]
    np.testing.assert_array_equal(np.sort(np.concatenate([fold.validation for fold in folds])), pool)
    for fold in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([fold.train, fold.validation])), pool)
        np.testing.assert_array_equal(fold.test, whole.test)


def test_two_of_five_folds_share_three_quarters_of_their_training_frames(tmp_path):
    store = Store.write(tmp_path / "store", [frames("CH4", 500)])
    one, other = (Folds(RandomSplit(300, 100, 100), fold).divide(store).train for fold in (0, 1))
    assert len(np.intersect1d(one, other)) == 0.75 * len(one)


def test_frames_set_apart_for_calibration_are_in_no_other_set_and_the_same_for_every_member(store):
    inner = CalibrationSplit(INNER, 3)
    members = [Folds(inner, fold, 4).divide(store) for fold in range(4)]
    members += [NestedSplit(inner, 5, seed, validation_seed=seed).divide(store) for seed in range(9)]
    assert len({member.calibration.tobytes() for member in members}) == 1
    assert len(members[0].calibration) == 3
    for member in members:
        everything = np.concatenate([*member, member.calibration])
        assert len(np.unique(everything)) == len(everything)


def test_folds_and_calibration_by_molecule_divide_no_molecule(molecules):
    inner = CalibrationSplit(MoleculeSplit(12, 2, 2), 2, by_molecule=True)
    for fold in range(4):
        sets = Folds(inner, fold, 4, by_molecule=True).divide(molecules)
        apart = [names(molecules, one) for one in (*sets, sets.calibration)]
        assert sum(len(one) for one in apart) == len(set().union(*apart)) == 16
        assert len(apart[3]) == 2


@pytest.mark.parametrize("num_folds", [4, 5, 16])
def test_grouped_folds_test_every_molecule_once(molecules, num_folds):
    folds = [KFold(fold, num_folds, by_molecule=True).divide(molecules) for fold in range(num_folds)]
    tested = [name for fold in folds for name in names(molecules, fold.test)]
    assert sorted(tested) == sorted(set(molecules.molecule_names.tolist()))
    for fold in folds:
        assert not names(molecules, fold.test) & (names(molecules, fold.train) | names(molecules, fold.validation))


@pytest.mark.parametrize(
    ("arguments", "setting", "message"),
    [
        ({"fold": 5}, "fold", "fold is 5, expected 0 to 4"),
        ({"fold": 0, "num_folds": 1}, "num_folds", "num_folds is 1, expected 2 or more"),
        ({"fold": 0, "num_folds": 16}, "num_folds", "15 frames to train on are too few for 16 folds"),
        ({"fold": 0, "by_molecule": True}, "num_folds", "molecules to train on are too few for 5 folds"),
        ({"fold": 0, "seed": -1}, "seed", "seed is -1, expected 0 or more"),
    ],
)
def test_folds_that_cannot_be_are_refused(store, arguments, setting, message):
    with pytest.raises(SettingError, match=message) as caught:
        Folds(INNER, **arguments).divide(store)
    assert (caught.value.owner, caught.value.setting) == (Folds, setting)


@pytest.mark.parametrize(
    ("calibration", "message"),
    [
        (11, "draws 11 of 11 training frames for calibration"),
        (1.5, "draws 1.5 of 11 training frames for calibration"),
        (0, "calibration is 0, expected more than 0"),
    ],
)
def test_calibration_that_cannot_be_is_refused(store, calibration, message):
    with pytest.raises(SettingError, match=message) as caught:
        CalibrationSplit(INNER, calibration).divide(store)
    assert (caught.value.owner, caught.value.setting) == (CalibrationSplit, "calibration")


def test_these_frames_will_be_drawn_for_ever(tmp_path):
    # published numbers depend on the draw: a new numpy or a change of ours must not move it in silence
    store = Store.write(tmp_path / "store", [frames("CH4", 12)])
    sets = Folds(CalibrationSplit(RandomSplit(8, 2, 2), 2), 1, 4).divide(store)
    assert [one.tolist() for one in (*sets, sets.calibration)] == [[0, 2, 4, 7, 9, 11], [6, 10], [1, 8], [3, 5]]
