from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers.npz import REAL, read_arrays, read_npz

ARRAYS = {"train": np.random.default_rng(0).permutation(300), "names": np.array(["a", "b"]), "none": np.empty((0, 3))}


def header(text: str) -> bytes:
    raw = text.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(raw).to_bytes(2, "little") + raw


def test_an_archive_that_swells_is_refused_before_it_is_read(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("E.npy", bytes(80 * 2**20))
    with pytest.raises(DataFileError, match=r"a\.npz cannot be read as \.npz .*E\.npy claims 83,886,080 bytes"):
        read_npz(tmp_path / "a.npz", {"E": REAL})


@pytest.mark.parametrize(
    "member",
    [
        b"no array",
        b"",
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (3,"),  # numpy looks at it with tokenize
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
        header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}"),
    ],
)
def test_whatever_numpy_raises_the_file_is_named(tmp_path, member):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as packed:
        packed.writestr("E.npy", member)
    with pytest.raises(DataFileError, match=r"a\.npz cannot be read as \.npz \("):
        read_npz(tmp_path / "a.npz", {"E": REAL})
    with pytest.raises(ValueError, match=r"\S"):
        read_arrays(tmp_path / "a.npz")


def test_constant_numbers_may_be_compressed(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", E=np.zeros(10**6))
    assert read_npz(tmp_path / "a.npz", {"E": REAL})["E"].shape == (10**6,)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, save) -> None:
    save(tmp_path / "made.npz", **ARRAYS)
    found = read_arrays(tmp_path / "made.npz")
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
                found = read_arrays(file)
            except ValueError:
                damaged += 1
            else:  # a byte that stores no value, such as that of a date
                assert all(np.array_equal(found[name], ARRAYS[name]) for name in found.keys() & ARRAYS.keys())
    assert damaged > 140


def test_an_array_alone_is_no_archive(tmp_path: Path) -> None:
    np.save(tmp_path / "alone.npy", ARRAYS["train"])
    with pytest.raises(ValueError, match="not a zip file"):
        read_arrays(tmp_path / "alone.npy")


def test_a_file_that_is_not_there_is_not_damaged(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "made.npz")
