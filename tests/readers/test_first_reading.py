"""Files are read first in a process of its own, where the library may hang, crash or take all memory."""

from __future__ import annotations

import sys
import time

import h5py
import numpy as np
import pytest

from potbench.errors import DataFileError
from potbench.readers import first_reading
from potbench.readers.first_reading import read_first
from potbench.readers.hdf5 import open_hdf5


@pytest.fixture
def file(tmp_path):
    return tmp_path / "a.h5"


def refused(file, problem):
    message = rf"^{file} cannot be read as HDF5 of the expected layout \(.*{problem}"
    with pytest.raises(DataFileError, match=message), open_hdf5(file):
        pytest.fail("it was opened")


def test_a_file_that_is_right_is_read_once(file, monkeypatch):
    with h5py.File(file, "w") as root:
        root["a/b"] = np.arange(3)
        root["again"] = h5py.SoftLink("/a")
        root["a/up"] = h5py.SoftLink("/")
        root.attrs["manifest"] = "text"
    read_first("hdf5", file)
    monkeypatch.setattr(sys, "executable", "/no/such/program")
    read_first("hdf5", file)
    with open_hdf5(file) as root:
        assert root["a/b"].shape == (3,)


def test_numbers_that_were_never_written_are_no_claim_to_memory(file):
    with h5py.File(file, "w") as root:
        root.create_dataset("species", (10**9,), "S1", chunks=(10**6,), compression="gzip")
    refused(file, r"/species of shape \(1000000000,\) was never written")


def test_numbers_that_compress_too_well_are_no_claim_to_memory(file):
    with h5py.File(file, "w") as root:
        zeros = root.create_dataset("zeros", (10**9,), "u1", chunks=(10**6,), compression="gzip")
        zeros[: 10**6] = 0
    refused(file, r"/zeros claims 1,000,000,000 bytes, of which the file holds [\d,]+")


def test_data_in_other_files_is_refused(tmp_path, file):
    secret = tmp_path / "secret"
    secret.write_bytes(bytes(64))
    with h5py.File(file, "w") as root:
        root.create_dataset("a", (8,), "f8", external=[(str(secret), 0, 64)])
    refused(file, "the data of /a is in another file")
    with h5py.File(tmp_path / "other.h5", "w") as root:
        root["a"] = np.arange(8.0)
    with h5py.File(file, "w") as root:
        layout = h5py.VirtualLayout((8,), "f8")
        layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "a", (8,))
        root.create_virtual_dataset("a", layout)
    refused(file, "the data of /a is in another file")
    with h5py.File(file, "w") as root:
        root["a/b"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "a")
    refused(file, "/a/b is a link to another file")


def test_a_reading_without_an_end_is_ended(file, monkeypatch):
    with h5py.File(file, "w") as root:
        root.attrs["manifest"] = "a text of some length"
    raw = file.read_bytes()
    heap = raw.index(b"GCOL")
    # an object of the heap that has no length is looked at for ever
    empty = heap + 16 + 16 + 24
    assert raw[empty : empty + 2] == b"\0\0"
    file.write_bytes(raw[: empty + 8] + bytes(8) + raw[empty + 16 :])
    monkeypatch.setitem(first_reading.PATIENCE, "hdf5", (3.0, 0.0))
    begin = time.monotonic()
    refused(file, "that did not end within 3 seconds")
    assert time.monotonic() - begin < 20


def test_a_process_that_breaks_down_is_told(file, tmp_path, monkeypatch):
    file.write_bytes(b"x")
    (tmp_path / "reader.py").write_text("import os; os.abort()")
    monkeypatch.setattr(first_reading, "READER", tmp_path / "reader.py")
    refused(file, "the library that reads it broke down with status -6")
