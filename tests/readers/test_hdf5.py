from __future__ import annotations

import h5py
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potbench.errors import DataFileError
from potbench.readers.hdf5 import natural_order, open_hdf5


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "some.h5"
    with h5py.File(path, "w") as root:
        root["numbers"] = [1.0, 2.0]
    return path


@pytest.mark.parametrize("name", ["none.h5", "."])
def test_a_missing_file_or_a_folder_is_named(tmp_path, name):
    with pytest.raises(DataFileError, match=f"^{tmp_path / name} cannot be read as HDF5"), open_hdf5(tmp_path / name):
        pass


@pytest.mark.parametrize("content", [b"", b"x", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04" * 100, b"<html>404</html>" * 1000])
def test_what_is_no_hdf5_is_refused(tmp_path, content):
    file = tmp_path / "other.h5"
    file.write_bytes(content)
    with pytest.raises(DataFileError) as caught, open_hdf5(file):
        pass
    assert str(caught.value).startswith(f"{file} cannot be read as HDF5 of the expected layout (")
    assert str(caught.value).endswith("It is truncated, damaged or another kind of file; fetch it again.")


@pytest.mark.parametrize(
    "error", [OSError("x"), KeyError("x"), ValueError("x"), IndexError("x"), OverflowError("x"), MemoryError("x")]
)
def test_damage_seen_while_reading_is_a_data_file_error(file, error):
    with pytest.raises(DataFileError, match="truncated") as caught, open_hdf5(file):
        raise error
    assert caught.value.__cause__ is error


def test_a_message_that_is_already_clear_is_kept(file):
    with pytest.raises(DataFileError) as caught, open_hdf5(file):
        raise DataFileError("energy of frame 3 is NaN")
    assert str(caught.value) == "energy of frame 3 is NaN"


def test_a_mistake_in_our_own_code_is_not_blamed_on_the_file(file):
    with pytest.raises(NameError), open_hdf5(file):
        raise NameError("no such variable")


def test_the_file_is_closed_afterwards(file):
    with open_hdf5(file) as root:
        pass
    assert not root


def test_numbers_in_names_count_as_numbers():
    names = ["m-10", "m-2", "m-0", "m-1", "m-11", "a1-5"]
    assert sorted(names, key=natural_order) == ["a1-5", "m-0", "m-1", "m-2", "m-10", "m-11"]


@given(st.lists(st.text(alphabet="ab-_²٣019")))
def test_any_names_can_be_ordered(names):
    once = sorted(names, key=natural_order)
    assert sorted(once, key=natural_order) == once
