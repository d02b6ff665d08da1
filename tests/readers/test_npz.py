from __future__ import annotations

import zipfile

import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers.npz import REAL, read_npz


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


def test_constant_numbers_may_be_compressed(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", E=np.zeros(10**6))
    assert read_npz(tmp_path / "a.npz", {"E": REAL})["E"].shape == (10**6,)
