from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.loading import ColumnSplit, IndexSplit, NestedSplit, SplitIndices, Store
from potbench.loading.manifest import Origin
from tests.native_files.made import frames

KINDS = ["300 K", "600 K", "300 K test", "dihedral", "300 K", "other"]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    """Frames in runs of five, each run of a kind and a temperature."""
    columns = {"kind": np.repeat(KINDS, 5), "temperature": np.repeat([300.0, 600.0, 300.0, 0.0, 300.0, 1.5], 5)}
    chunk = frames("CH4", 30)._replace(columns=columns)
    return Store.write(tmp_path_factory.mktemp("store") / "store", [chunk], Origin(name="made"))


TEST = {"300 K": "300 K test", "hot": ["600 K", "dihedral"]}
SPLIT = ColumnSplit("kind", "300 K", TEST, validation=3)


def kinds(store: Store, indices) -> set[str]:
    return set(store.columns["kind"][indices])


def test_frames_go_where_their_column_says_and_those_of_other_values_nowhere(store):
    sets = SPLIT.divide(store)
    assert kinds(store, sets.train) == kinds(store, sets.validation) == {"300 K"}
    assert (len(sets.train), len(sets.validation)) == (7, 3)
    assert kinds(store, sets.test_sets["300 K"]) == {"300 K test"}
    assert kinds(store, sets.test_sets["hot"]) == {"600 K", "dihedral"}
    np.testing.assert_array_equal(sets.test, np.sort(np.concatenate(list(sets.test_sets.values()))))
    assert not np.intersect1d(sets.train, sets.validation).size


def test_a_column_of_numbers_divides_too_however_they_are_written(store):
    split = ColumnSplit("temperature", "300", {"cold": 0, "hot": "6e2"}, validation=[1.5])
    sets = split.divide(store)
    assert set(store.columns["temperature"][sets.train]) == {300.0}
    assert kinds(store, sets.validation) == {"other"}
    assert kinds(store, sets.test_sets["hot"]) == {"600 K"}


def test_a_number_that_no_frame_has_is_refused_with_those_that_can_be_given(tmp_path):
    chunk = frames("CH4", 4)._replace(columns={"step": np.array([0.1 + 0.2, 300.0, 1e-7, 1 / 3])})
    store = Store.write(tmp_path / "store", [chunk], Origin(name="made"))
    with pytest.raises(SettingError) as caught:
        ColumnSplit("step", 0.3, {"hot": 300}, validation=1).divide(store)
    _, values = caught.value.expected.split(": ")
    assert values == "1e-07, 0.30000000000000004, 0.3333333333333333, 300"
    for value in values.split(", "):
        with pytest.raises(SettingError, match="validation"):  # found, and too few to divide
            ColumnSplit("step", value, {"hot": "300" if value != "300" else "1e-07"}, validation=5).divide(store)


def test_the_seed_moves_validation_frames_alone(store):
    one, other = (ColumnSplit("kind", "300 K", TEST, 0.3, seed).divide(store) for seed in (0, 1))
    assert len(one.validation) == 3
    assert one.validation.tolist() != other.validation.tolist()
    np.testing.assert_array_equal(one.test, other.test)


def test_named_test_sets_survive_files_and_other_splits_around(store, tmp_path):
    sets = SPLIT.divide(store)
    sets.save(tmp_path / "split.npz")
    for again in (SplitIndices.load(tmp_path / "split.npz"), IndexSplit(tmp_path / "split.npz").divide(store)):
        assert again.fingerprint == sets.fingerprint
        assert again.test_sets["hot"].tolist() == sets.test_sets["hot"].tolist()
    assert NestedSplit(SPLIT, 2).divide(store).test_sets.keys() == sets.test_sets.keys()


def test_a_named_test_set_beyond_the_test_set_is_refused(store, tmp_path):
    np.savez(tmp_path / "split.npz", **{"train": [0], "validation": [1], "test": [2, 3], "test/hot": [3, 4]})
    with pytest.raises(SettingError, match=r"has frames in test/hot that are not in test\. Expected some of the test"):
        IndexSplit(tmp_path / "split.npz").divide(store)


@pytest.mark.parametrize(
    ("arguments", "setting", "message"),
    [
        (
            {"column": "sort"},
            "column",
            "made was read without a column sort. Expected one of the columns that the data",
        ),
        (
            {"train": "900 K"},
            "train",
            "No frame has '900 K' in the column kind. Expected one of its values, or several: 3",
        ),
        (
            {"test": {"a": "900 K"}},
            "test",
            "No frame has '900 K' in the column kind, for a. Expected one of its values",
        ),
        ({"test": {"a": "300 K"}}, "test", "10 frames are in train and in test a. Expected each frame in one set"),
        ({"test": {"a": "600 K", "b": ["600 K"]}}, "test", "5 frames are in test a and in test b"),
        ({"validation": "300 K"}, "validation", "10 frames are in train and in validation"),
        ({"validation": 10}, "validation", "draws 10 of 10 training frames for validation"),
        ({"validation": 0}, "validation", "validation is 0, expected more than 0"),
        ({"test": {}}, "test", "There is no test set"),
        ({"test": {"../a": "600 K"}}, "test", "The name of a test set is '../a'. Expected names of letters"),
        ({"seed": -1}, "seed", "seed is -1"),
    ],
)
def test_what_cannot_be_divided_so_is_refused(store, arguments, setting, message):
    given = {"column": "kind", "train": "300 K", "test": {"hot": "600 K"}, **arguments}
    with pytest.raises(SettingError) as caught:
        ColumnSplit(**given).divide(store)
    assert message in str(caught.value)
    assert (caught.value.owner, caught.value.setting) == (ColumnSplit, setting)
