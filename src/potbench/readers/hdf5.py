"""Open HDF5 files, with errors that the user can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from potbench.errors import DataFileError

DAMAGE = (OSError, RuntimeError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError, MemoryError)
"""Errors of h5py and numpy for a damaged file; nearly any byte of it can be wrong."""


@contextmanager
def open_hdf5(file: Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises:
        DataFileError: the file is no HDF5 file, or is damaged, which may show only while it is read.
    """
    try:
        with h5py.File(file, "r") as root:
            yield root
    except DataFileError:
        raise
    except DAMAGE as error:
        raise DataFileError(
            f"{file} cannot be read as HDF5 of the expected layout ({error}). "
            "It is truncated, damaged or another kind of file; fetch it again."
        ) from error


def natural_order(name: str) -> list[int | str]:
    """Return a sort key by which gdb11_s02-2 comes before gdb11_s02-10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
