from __future__ import annotations

import numpy as np
import pytest

from potbench.errors import SettingError
from potbench.loading import IndexSplit, RandomSplit
from potbench.loading.collate import gather

SETS = {"train": np.array([4, 0, 2]), "validation": np.array([7]), "test": np.array([18, 1])}


def assert_given(indices) -> None:
    assert [frames.tolist() for frames in indices] == [[0, 2, 4], [7], [1, 18]]


def test_the_split_of_a_run_can_be_given_again(store, tmp_path):
    indices = RandomSplit(9, 4, 4).divide(store)
    indices.save(tmp_path / "split.npz")
    assert IndexSplit(tmp_path / "split.npz").divide(store).fingerprint == indices.fingerprint


def test_schnetpack_s_names_are_known(store, tmp_path):
    names = ("train_idx", "val_idx", "test_idx")
    np.savez(tmp_path / "split.npz", **dict(zip(names, SETS.values(), strict=True)))
    assert_given(IndexSplit(tmp_path / "split.npz").divide(store))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])  # the latter as Excel saves it
@pytest.mark.parametrize("separator", ["\n", ",", " ", ", "])
def test_text_files_may_separate_numbers_as_they_like(store, tmp_path, separator, encoding):
    for name, frames in SETS.items():
        (tmp_path / f"{name}.csv").write_text(separator.join(map(str, frames)) + "\n", encoding=encoding)
    assert_given(IndexSplit(None, *(tmp_path / f"{name}.csv" for name in SETS)).divide(store))


@pytest.mark.parametrize("separator", [" ", ",", "\t"])
def test_text_files_of_several_columns_are_refused(store, tmp_path, separator):
    for name, frames in SETS.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(f"{frame}{separator}{frame + 1}" for frame in frames))
    with pytest.raises(SettingError, match=r"train\.csv cannot be read \(a line has several columns\)"):
        IndexSplit(None, *(tmp_path / f"{name}.csv" for name in SETS)).divide(store)


def test_npy_files_are_read(store, tmp_path):
    for name, frames in SETS.items():
        np.save(tmp_path / f"{name}.npy", frames)
    assert_given(IndexSplit(None, *(tmp_path / f"{name}.npy" for name in SETS)).divide(store))


@pytest.mark.parametrize("kind", ["u1", "i2", "u4", "u8", ">i8"])
def test_any_kind_of_integer_draws_the_same_frames(store, tmp_path, kind):
    np.savez(tmp_path / "split.npz", **{name: frames.astype(kind) for name, frames in SETS.items()})
    indices = IndexSplit(tmp_path / "split.npz").divide(store)
    assert_given(indices)
    assert gather(store, indices.train).frame.tolist() == [0, 2, 4]


def test_a_number_too_large_for_any_dataset_is_refused(store, tmp_path):
    for name in SETS:
        (tmp_path / f"{name}.txt").write_text("9" * 30)
    with pytest.raises(SettingError, match=r"train\.txt cannot be read \(.*\)\. Expected a frame number on") as caught:
        IndexSplit(None, *(tmp_path / f"{name}.txt" for name in SETS)).divide(store)
    assert (caught.value.owner, caught.value.setting) == (IndexSplit, "train")


@pytest.mark.parametrize(
    ("name", "frames", "message"),
    [
        ("test", [19], r"split\.npz has frames 19 to 19 in test\. Expected those of the dataset, 0 to 18\. Change the"),
        ("train", [-1], "has frames -1 to -1 in train"),
        ("test", [4, 5], "has 1 frames in test twice, or in another set too"),
        ("train", [3, 3], "has 1 frames in train twice"),
        ("train", [0.5], "has float64 of shape .* in train"),
        ("validation", [], "in validation. Expected whole numbers in a row"),
        ("validation", [[3]], "of shape "),
        ("train", [True], "has bool of"),
    ],
)
def test_frames_that_cannot_be_are_refused(store, tmp_path, name, frames, message):
    np.savez(tmp_path / "split.npz", **{**SETS, name: np.array(frames)})
    with pytest.raises(SettingError, match=message) as caught:
        IndexSplit(tmp_path / "split.npz").divide(store)
    assert (caught.value.owner, caught.value.setting) == (IndexSplit, "file")


def test_of_sets_in_files_of_their_own_the_file_is_named(store, tmp_path):
    for name, frames in {**SETS, "test": [19]}.items():
        np.save(tmp_path / f"{name}.npy", frames)
    with pytest.raises(SettingError, match=r"test\.npy has frames 19 to 19 in test\.") as caught:
        IndexSplit(None, *(tmp_path / f"{name}.npy" for name in SETS)).divide(store)
    assert (caught.value.owner, caught.value.setting) == (IndexSplit, "test")


def test_a_file_without_the_sets_is_refused(store, tmp_path):
    np.savez(tmp_path / "split.npz", train=SETS["train"])
    with pytest.raises(
        SettingError, match=r"does not hold all three sets\. Expected train, validation, test, or train_idx"
    ):
        IndexSplit(tmp_path / "split.npz").divide(store)


@pytest.mark.parametrize("content", ["", "no numbers", None])
def test_a_file_that_is_no_archive_is_refused(store, tmp_path, content):
    file = tmp_path / "split.npz"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingError, match=r"split\.npz cannot be read \(.*Change the argument file of IndexSplit"):
        IndexSplit(file).divide(store)


@pytest.mark.parametrize("given", [{}, {"file": "a.npz", "train": "b"}, {"train": "a", "test": "b"}])
def test_files_are_given_together_or_not_at_all(given):
    with pytest.raises(SettingError, match="Expected either file, or all of train, validation and test"):
        IndexSplit(**given)
