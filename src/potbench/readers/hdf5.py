"""Opening HDF5 files, with errors that a reader of the message can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py

from potbench.errors import DataFileError

DAMAGE = (OSError, RuntimeError, LookupError, AttributeError, TypeError, ValueError, ArithmeticError, MemoryError)
"""What h5py and numpy raise on a damaged file; nearly any byte of it can be wrong."""


@contextmanager
def open_hdf5(file: Path, key: str) -> Iterator[h5py.File]:
    """Open a file for reading.

    Args:
        file: the file.
        key: config key that names the file or its folder, for the message.

    Raises:
        DataFileError: the file is missing, is no HDF5 file, or is cut short (also when that shows only while reading).
    """
    if not file.is_file():
        raise DataFileError(f"{file} does not exist. Expected the original file there. Change {key}.")
    try:
        with h5py.File(file, "r") as root:
            yield root
    except DataFileError:
        raise
    except DAMAGE as error:
        raise DataFileError(
            f"{file} cannot be read as HDF5 of the expected layout ({error}). "
            "It is cut short, damaged or another kind of file; fetch it again."
        ) from error


def natural_order(name: str) -> list[int | str]:
    """Sort key by which gdb11_s02-2 comes before gdb11_s02-10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]
