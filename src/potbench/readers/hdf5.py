"""Open HDF5 files, with errors that the user can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from potbench.readers.damage import damage_named
from potbench.readers.first_reading import read_first


@contextmanager
def open_hdf5(file: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises:
        DataFileError: the file is no HDF5 file, claims more than it can hold, has data in other files, or is damaged,
            which may show only while it is read.
    """
    read_first("hdf5", file)
    with damage_named(file, "HDF5 of the expected layout"), h5py.File(file, "r") as root:
        yield root


def natural_order(name: str) -> list[int | str]:
    """Return a sort key by which gdb11_s02-2 comes before gdb11_s02-10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
