from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potbench.errors import RecordError, SettingError
from potbench.loading import NestedSplit, RandomSplit, SplitIndices, Store
from tests.native_files.made import frames


class Long:
    """Stands for a store: a split looks at nothing but its length."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length


@given(st.integers(10, 3000), st.integers(0, 2**32))
def test_every_frame_is_in_exactly_one_set(num_frames, seed):
    sets = RandomSplit(0.7, 0.2, 0.1, seed).divide(Long(num_frames))
    assert np.sort(np.concatenate(sets)).tolist() == list(range(num_frames))


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50), st.integers(0, 100), st.integers(0, 9))
def test_counted_sets_do_not_overlap_and_may_leave_frames_out(train, validation, test, spare, seed):
    num_frames = train + validation + test + spare
    sets = RandomSplit(train, validation, test, seed).divide(Long(num_frames))
    assert [len(frames) for frames in sets] == [train, validation, test]
    used = np.concatenate(sets)
    assert len(np.unique(used)) == len(used)
    assert used.min() >= 0
    assert used.max() < num_frames


@pytest.mark.parametrize(
    ("sizes", "num_frames", "expected"),
    [
        ((0.8, 0.1, 0.1), 1000, [800, 100, 100]),
        ((0.8, 0.1, 0.1), 61_762, [49_410, 6176, 6176]),
        ((0.5, 0.25, 0.25), 10, [6, 2, 2]),
        ((950, 50, 1000), 2000, [950, 50, 1000]),
        ((950, 50, 1000), 99_999, [950, 50, 1000]),
    ],
)
def test_sets_have_the_sizes_asked_for(sizes, num_frames, expected):
    assert [len(frames) for frames in RandomSplit(*sizes).divide(Long(num_frames))] == expected


def test_sets_are_in_ascending_order():
    for one in RandomSplit().divide(Long(100)):
        assert (np.diff(one) > 0).all()


def test_the_same_seed_gives_the_same_sets_whatever_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002 — the state that must not matter
    one = RandomSplit(seed=7).divide(Long(100))
    np.random.seed(2)  # noqa: NPY002
    other = RandomSplit(seed=7).divide(Long(100))
    assert one.fingerprint == other.fingerprint
    assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_other_seeds_give_other_sets():
    fingerprints = {RandomSplit(seed=seed).divide(Long(100)).fingerprint for seed in range(20)}
    assert len(fingerprints) == 20


def test_these_frames_will_be_drawn_for_ever():
    # published numbers depend on the draw: a new numpy or a change of ours must not move it in silence
    sets = RandomSplit(6, 2, 2, seed=0).divide(Long(10))
    assert [frames.tolist() for frames in sets] == [[2, 3, 4, 5, 6, 7], [0, 9], [1, 8]]


def test_the_fingerprint_distinguishes_the_sets():
    one, two, three = np.array([0, 1]), np.array([2]), np.array([3])
    fingerprints = {
        SplitIndices(one, two, three).fingerprint,
        SplitIndices(one, three, two).fingerprint,
        SplitIndices(np.array([0]), np.array([1, 2]), three).fingerprint,
    }
    assert len(fingerprints) == 3


def test_the_fingerprint_does_not_depend_on_the_kind_of_integer():
    arrays = ([0, 1], [2], [3])
    kinds = {SplitIndices(*(np.array(one, dtype=kind) for one in arrays)).fingerprint for kind in ("i4", "i8", ">i8")}
    assert len(kinds) == 1


def test_the_fingerprint_of_a_split_without_calibration_is_what_it_always_was():
    assert (
        RandomSplit(6, 2, 2).divide(Long(10)).fingerprint
        == "b3199f3d82df0a23c5854d4c887d780385fd3ce76d3183b89fe71c3d1a9895b6"
    )


def test_calibration_frames_and_named_test_sets_are_part_of_the_fingerprint_and_of_files(tmp_path):
    one, two, three, four = (np.array([number]) for number in range(4))
    sets = [
        SplitIndices(one, two, three),
        SplitIndices(one, two, three, four),
        SplitIndices(one, two, three, test_sets={"hot": three}),
        SplitIndices(one, two, three, test_sets={"cold": three}),
    ]
    assert len({each.fingerprint for each in sets}) == 4
    for each in sets:
        each.save(tmp_path / "split.npz")
        assert SplitIndices.load(tmp_path / "split.npz").fingerprint == each.fingerprint


def test_saved_and_loaded_indices_are_the_same(tmp_path):
    indices = RandomSplit().divide(Long(100))
    indices.save(tmp_path / "split.npz")
    loaded = SplitIndices.load(tmp_path / "split.npz")
    assert loaded.fingerprint == indices.fingerprint
    assert all(np.array_equal(*pair) for pair in zip(loaded, indices, strict=True))
    assert [file.name for file in tmp_path.iterdir()] == ["split.npz"]


def test_indices_are_saved_whole_or_not_at_all(tmp_path, monkeypatch):
    indices = RandomSplit().divide(Long(100))
    indices.save(tmp_path / "split.npz")

    def interrupted(stream, **arrays):
        stream.write(b"the first bytes")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        RandomSplit(seed=1).divide(Long(100)).save(tmp_path / "split.npz")
    assert SplitIndices.load(tmp_path / "split.npz").fingerprint == indices.fingerprint
    assert [file.name for file in tmp_path.iterdir()] == ["split.npz"]


def cut(file):
    file.write_bytes(file.read_bytes()[:-30])


def without_test(file):
    np.savez(file, train=[0], validation=[1])


@pytest.mark.parametrize(
    "damage", [cut, without_test, lambda file: file.write_text(""), lambda file: np.save(file.open("wb"), [1])]
)
def test_damaged_indices_are_named(tmp_path, damage):
    file = tmp_path / "split.npz"
    RandomSplit().divide(Long(100)).save(file)
    damage(file)
    with pytest.raises(
        RecordError, match=r"split\.npz is damaged \(.*Expected the indices of train, validation and test"
    ):
        SplitIndices.load(file)


def test_indices_that_are_not_there_are_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        SplitIndices.load(tmp_path / "split.npz")


def test_a_real_store_can_be_divided(tmp_path):
    store = Store.write(tmp_path / "store", [frames("CH4", 10)])
    assert sum(len(frames) for frames in RandomSplit().divide(store)) == 10


@pytest.mark.parametrize(
    ("sizes", "setting", "message"),
    [
        (
            (0.8, 0.1, 0.2),
            "train",
            "The fractions of the split are 0.8 + 0.1 + 0.2 = 1.1. Expected 1, or three whole numbers",
        ),
        (
            (0.8, 0.1, 100),
            "train",
            "The fractions of the split are 0.8 + 0.1 + 100 = 100.9. Expected 1, or three whole",
        ),
        ((float("inf"), 1, 1), "train", "The fractions of the split are inf + 1 + 1 = inf. Expected 1, or three whole"),
        ((float("nan"), 0.1, 0.1), "train", "train is nan, expected more than 0"),
        ((0.9, 0.1, 0.0), "test", "test is 0.0, expected more than 0"),
        ((900, -1, 100), "validation", "validation is -1, expected more than 0"),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, setting, message):
    with pytest.raises(SettingError) as caught:
        RandomSplit(*sizes)
    assert (caught.value.owner, caught.value.setting) == (RandomSplit, setting)
    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith(f". Change the argument {setting} of RandomSplit.")


@pytest.mark.parametrize(
    ("sizes", "num_frames", "asked", "setting"),
    [
        ((80, 10, 11), 100, "80 + 10 + 11", "train"),
        ((0.98, 0.01, 0.01), 19, "19 + 0 + 0", "validation"),
        ((0.1, 0.45, 0.45), 2, "0 + 1 + 1", "train"),
        ((0.5, 0.45, 0.05), 9, "5 + 4 + 0", "test"),
    ],
)
def test_more_frames_than_there_are_or_none_are_refused(sizes, num_frames, asked, setting):
    with pytest.raises(SettingError) as caught:
        RandomSplit(*sizes).divide(Long(num_frames))
    assert (caught.value.owner, caught.value.setting) == (RandomSplit, setting)
    assert str(caught.value) == (
        f"The split asks for {asked} frames of {num_frames}. Expected at least one in each set and no more than there "
        f"are. Change the argument {setting} of RandomSplit."
    )


def test_a_setting_of_an_inner_split_is_that_split_s_own():
    with pytest.raises(SettingError) as caught:
        NestedSplit(RandomSplit(80, 10, 11), 5).divide(Long(100))
    assert (caught.value.owner, caught.value.setting) == (RandomSplit, "train")


def test_a_seed_below_zero_is_refused():
    with pytest.raises(SettingError) as caught:
        RandomSplit(seed=-1)
    assert str(caught.value) == "seed is -1, expected 0 or more. Change the argument seed of RandomSplit."
