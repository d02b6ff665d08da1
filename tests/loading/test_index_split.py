from __future__ import annotations

import numpy as np
import pytest

from potbench.loading import IndexSplit, RandomSplit
from potbench.loading.collate import gather

PARTS = {"train": np.array([4, 0, 2]), "validation": np.array([7]), "test": np.array([18, 1])}


def assert_given(parts) -> None:
    assert [part.tolist() for part in parts] == [[0, 2, 4], [7], [1, 18]]


def test_the_split_of_a_run_can_be_given_again(store, tmp_path):
    parts = RandomSplit(9, 4, 4).divide(store)
    parts.save(tmp_path / "split.npz")
    assert IndexSplit(tmp_path / "split.npz").divide(store).fingerprint == parts.fingerprint


def test_schnetpack_s_names_are_known(store, tmp_path):
    names = ("train_idx", "val_idx", "test_idx")
    np.savez(tmp_path / "split.npz", **dict(zip(names, PARTS.values(), strict=True)))
    assert_given(IndexSplit(tmp_path / "split.npz").divide(store))


@pytest.mark.parametrize("separator", ["\n", ",", " ", ", "])
def test_text_files_may_separate_numbers_as_they_like(store, tmp_path, separator):
    for name, frames in PARTS.items():
        (tmp_path / f"{name}.csv").write_text(separator.join(map(str, frames)) + "\n")
    assert_given(IndexSplit(None, *(tmp_path / f"{name}.csv" for name in PARTS)).divide(store))


def test_npy_files_are_read(store, tmp_path):
    for name, frames in PARTS.items():
        np.save(tmp_path / f"{name}.npy", frames)
    assert_given(IndexSplit(None, *(tmp_path / f"{name}.npy" for name in PARTS)).divide(store))


@pytest.mark.parametrize("kind", ["u1", "i2", "u4", "u8", ">i8"])
def test_any_kind_of_integer_draws_the_same_frames(store, tmp_path, kind):
    np.savez(tmp_path / "split.npz", **{name: frames.astype(kind) for name, frames in PARTS.items()})
    parts = IndexSplit(tmp_path / "split.npz").divide(store)
    assert_given(parts)
    assert gather(store, parts.train).frame.tolist() == [0, 2, 4]


def test_a_number_too_large_for_any_dataset_is_refused(store, tmp_path):
    for name in PARTS:
        (tmp_path / f"{name}.txt").write_text("9" * 30)
    with pytest.raises(ValueError, match=r"train\.txt cannot be read as frame numbers"):
        IndexSplit(None, *(tmp_path / f"{name}.txt" for name in PARTS)).divide(store)


@pytest.mark.parametrize(
    ("part", "frames", "message"),
    [
        ("test", [19], r"split\.npz: test names frames 19 to 19, but the dataset has 0 to 18"),
        ("train", [-1], "train names frames -1 to -1"),
        ("test", [4, 5], "1 frames of test are named twice, or are in another part too"),
        ("train", [3, 3], "1 frames of train are named twice"),
        ("train", [0.5], "train is float64"),
        ("validation", [], "validation is .*expected a row of whole numbers"),
        ("validation", [[3]], "of shape "),
        ("train", [True], "train is bool"),
    ],
)
def test_frames_that_cannot_be_are_refused(store, tmp_path, part, frames, message):
    np.savez(tmp_path / "split.npz", **{**PARTS, part: np.array(frames)})
    with pytest.raises(ValueError, match=message):
        IndexSplit(tmp_path / "split.npz").divide(store)


def test_a_file_without_the_parts_is_refused(store, tmp_path):
    np.savez(tmp_path / "split.npz", train=PARTS["train"])
    with pytest.raises(ValueError, match="has no train, validation, test"):
        IndexSplit(tmp_path / "split.npz").divide(store)


@pytest.mark.parametrize("content", ["", "no numbers", None])
def test_a_file_that_is_no_archive_is_refused(store, tmp_path, content):
    file = tmp_path / "split.npz"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ValueError, match=r"split\.npz cannot be read as frame numbers .*init_args\."):
        IndexSplit(file).divide(store)


@pytest.mark.parametrize("given", [{}, {"file": "a.npz", "train": "b"}, {"train": "a", "test": "b"}])
def test_files_are_given_together_or_not_at_all(given):
    with pytest.raises(ValueError, match="either file, or all of train, validation and test"):
        IndexSplit(**given)
