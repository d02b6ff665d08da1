from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potbench.loading import RandomSplit, SplitIndices, Store
from tests.native_files.made import frames

KEY = "Change data.init_args.split.init_args."


class Long:
    """Stands for a store: a split looks at nothing but its length."""

    def __init__(self, length: int) -> None:
        self.length = length

    def __len__(self) -> int:
        return self.length


@given(st.integers(10, 3000), st.integers(0, 2**32))
def test_every_frame_is_in_exactly_one_part(num_frames, seed):
    parts = RandomSplit(0.7, 0.2, 0.1, seed).divide(Long(num_frames))
    assert np.sort(np.concatenate(parts)).tolist() == list(range(num_frames))


@given(st.integers(1, 50), st.integers(1, 50), st.integers(1, 50), st.integers(0, 100), st.integers(0, 9))
def test_counted_parts_do_not_overlap_and_may_leave_frames_over(train, validation, test, spare, seed):
    num_frames = train + validation + test + spare
    parts = RandomSplit(train, validation, test, seed).divide(Long(num_frames))
    assert [len(part) for part in parts] == [train, validation, test]
    used = np.concatenate(parts)
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
def test_parts_have_the_sizes_asked_for(sizes, num_frames, expected):
    assert [len(part) for part in RandomSplit(*sizes).divide(Long(num_frames))] == expected


def test_parts_are_in_ascending_order():
    for part in RandomSplit().divide(Long(100)):
        assert (np.diff(part) > 0).all()


def test_the_same_seed_gives_the_same_parts_whatever_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002 — the state that must not matter
    one = RandomSplit(seed=7).divide(Long(100))
    np.random.seed(2)  # noqa: NPY002
    other = RandomSplit(seed=7).divide(Long(100))
    assert one.fingerprint == other.fingerprint
    assert all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def test_other_seeds_give_other_parts():
    fingerprints = {RandomSplit(seed=seed).divide(Long(100)).fingerprint for seed in range(20)}
    assert len(fingerprints) == 20


def test_these_frames_will_be_drawn_for_ever():
    # published numbers depend on the draw: a new numpy or a change of ours must not move it in silence
    parts = RandomSplit(6, 2, 2, seed=0).divide(Long(10))
    assert [part.tolist() for part in parts] == [[2, 3, 4, 5, 6, 7], [0, 9], [1, 8]]


def test_the_fingerprint_tells_the_parts_apart():
    one, two, three = np.array([0, 1]), np.array([2]), np.array([3])
    fingerprints = {
        SplitIndices(one, two, three).fingerprint,
        SplitIndices(one, three, two).fingerprint,
        SplitIndices(np.array([0]), np.array([1, 2]), three).fingerprint,
    }
    assert len(fingerprints) == 3


def test_the_fingerprint_does_not_depend_on_the_kind_of_integer():
    arrays = ([0, 1], [2], [3])
    kinds = {SplitIndices(*(np.array(part, dtype=kind) for part in arrays)).fingerprint for kind in ("i4", "i8", ">i8")}
    assert len(kinds) == 1


def test_saved_and_loaded_parts_are_the_same(tmp_path):
    parts = RandomSplit().divide(Long(100))
    parts.save(tmp_path / "split.npz")
    loaded = SplitIndices.load(tmp_path / "split.npz")
    assert loaded.fingerprint == parts.fingerprint
    assert all(np.array_equal(*pair) for pair in zip(loaded, parts, strict=True))


def test_a_real_store_can_be_divided(tmp_path):
    store = Store.write(tmp_path / "store", [frames("CH4", 10)], {})
    assert sum(len(part) for part in RandomSplit().divide(store)) == 10


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (
            (0.8, 0.1, 0.2),
            'The split fractions {"train": 0.8, "validation": 0.1, "test": 0.2} add up to 1.1, expected 1 '
            f"(or three whole numbers). {KEY}",
        ),
        (
            (0.8, 0.1, 100),
            'The split fractions {"train": 0.8, "validation": 0.1, "test": 100} add up to 100.9, expected 1 '
            f"(or three whole numbers). {KEY}",
        ),
        (
            (float("nan"), 0.1, 0.1),
            'The split fractions {"train": NaN, "validation": 0.1, "test": 0.1} add up to nan, expected 1 '
            f"(or three whole numbers). {KEY}",
        ),
        (
            (0.9, 0.1, 0.0),
            f'The split sizes are {{"train": 0.9, "validation": 0.1, "test": 0.0}}, expected all above zero. {KEY}',
        ),
        (
            (900, -1, 100),
            f'The split sizes are {{"train": 900, "validation": -1, "test": 100}}, expected all above zero. {KEY}',
        ),
    ],
)
def test_sizes_that_cannot_be_are_refused(sizes, message):
    with pytest.raises(ValueError, match="split") as caught:
        RandomSplit(*sizes)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("sizes", "num_frames", "asked"),
    [((80, 10, 11), 100, "80 + 10 + 11"), ((0.98, 0.01, 0.01), 19, "19 + 0 + 0"), ((0.1, 0.45, 0.45), 2, "0 + 1 + 1")],
)
def test_more_frames_than_there_are_or_none_are_refused(sizes, num_frames, asked):
    with pytest.raises(ValueError, match="split") as caught:
        RandomSplit(*sizes).divide(Long(num_frames))
    assert str(caught.value) == (
        f"The split asks for {asked} frames of {num_frames}. "
        f"Expected at least one in each part and no more than there are. {KEY}"
    )
