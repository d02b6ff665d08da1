from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from potbench.loading.npz_file import read_npz

ARRAYS = {"train": np.random.default_rng(0).permutation(300), "names": np.array(["a", "b"]), "none": np.empty((0, 3))}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, save) -> None:
    save(tmp_path / "made.npz", **ARRAYS)
    found = read_npz(tmp_path / "made.npz")
    assert found.keys() == ARRAYS.keys()
    assert all(np.array_equal(found[name], values) for name, values in ARRAYS.items())


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_cut_or_flipped_byte_is_damage_or_changes_nothing(tmp_path: Path, save) -> None:
    file, random = tmp_path / "made.npz", np.random.default_rng(0)
    save(file, **ARRAYS)
    whole, damaged = file.read_bytes(), 0
    for place in random.integers(0, len(whole), 100).tolist():
        for written in (whole[:place], whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]):
            file.write_bytes(written)
            try:
                found = read_npz(file)
            except ValueError:
                damaged += 1
            else:  # a byte that stores no value, such as that of a date
                assert all(np.array_equal(found[name], ARRAYS[name]) for name in found.keys() & ARRAYS.keys())
    assert damaged > 140


def test_an_array_alone_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "alone.npy", ARRAYS["train"])
    with pytest.raises(ValueError, match="context manager"):
        read_npz(tmp_path / "alone.npy")


def test_a_file_that_is_not_there_is_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "made.npz")
