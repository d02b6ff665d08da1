"""Read .npz files, with errors that the user can act on, and write them with arrays of any names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import PRECISIONS
from potbench.readers.damage import damage_named
from potbench.readers.stated import Stated, stated_in
from potbench.structures import IntArray, formula_of

LARGEST_RATIO = 100
"""Numbers of molecules do not compress any better."""
SMALL = 64 * 2**20
"""Bytes that any array may take."""

WHOLE, REAL = "iu", "f"

Arrays = Mapping[str, np.ndarray[Any, Any]]


def text(arrays: Arrays, key: str) -> str:
    """Return the text in an array of one element, bytes or not; empty where there is none."""
    if key not in arrays or arrays[key].size != 1 or arrays[key].dtype.kind not in "SU":
        return ""
    found = arrays[key].item()
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)


def stated(arrays: Arrays, file: Path) -> Stated:
    """Return what the texts in a file state; raise like `stated_in`."""
    return stated_in({key: text(arrays, key) for key in arrays}, file=file)


def require_formula(atomic_numbers: IntArray, formula: str) -> list[str]:
    """Return what contradicts that atoms are those of a molecule, as the end of a sentence."""
    found = formula_of(atomic_numbers)
    return [] if found == formula else [f"the atoms of {found}, not of {formula}"]


def _code_points(text: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the numbers of all characters, in the byte order of the machine."""
    native = np.ascontiguousarray(text).reshape(-1)
    return native.view(np.dtype(np.uint32).newbyteorder(text.dtype.byteorder))


def read_arrays(file: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read every array of a file, without loading pickled objects, wherever a byte of it is cut off or flipped.

    Args:
        file: as `numpy.savez` writes it.

    Raises:
        ValueError: the file is damaged, or unpacks to more than its bytes can hold.
        OSError: it cannot be opened.
    """
    with file.open("rb") as stream:
        try:
            with ZipFile(stream) as packed:
                for member in packed.infolist():
                    if member.file_size > max(SMALL, LARGEST_RATIO * member.compress_size):
                        raise ValueError(f"{member.filename} claims {member.file_size:,} bytes")
            stream.seek(0)
            with np.load(stream, allow_pickle=False) as arrays:
                found = dict(arrays)
        except Exception as error:  # a byte of the table, of an array or of its header makes numpy raise anything
            raise ValueError(str(error) or type(error).__name__) from error
    for name, array in found.items():
        if not isinstance(array, np.ndarray):  # numpy gives the bytes of a member that it does not know
            raise ValueError(f"{name} is no array")
        # numpy makes texts of any numbers, and Python fails in the midst of such a text
        if array.dtype.kind == "U" and array.size and _code_points(array).max(initial=0) > sys.maxunicode:
            raise ValueError(f"{name} is no text")
    return found


def read_npz(file: Path, needed: Mapping[str, str], optional: Mapping[str, str] | None = None) -> Arrays:
    """Read every array of a data file, with errors that say what to do.

    Args:
        file: the file.
        needed: names of required arrays → kinds of numbers they may hold, as in numpy's `dtype.kind`.
        optional: the same of arrays that may be missing.

    Raises:
        DataFileError: the file is no .npz file, is damaged, or an array is missing or holds something else.
    """
    with damage_named(file, ".npz"):
        found = read_arrays(file)
    missing = [name for name in needed if name not in found]
    if missing:
        raise DataFileError(
            f"{file} has no {', '.join(missing)}, only {', '.join(found) or 'nothing'}. "
            f"Expected arrays {', '.join(needed)}: it is another kind of file."
        )
    for name, kinds in {**needed, **(optional or {})}.items():
        if name not in found:
            continue
        dtype = found[name].dtype
        imprecise = kinds == REAL and dtype.itemsize not in PRECISIONS
        if dtype.kind not in kinds or imprecise or not found[name].ndim:
            expected = "whole numbers" if kinds == WHOLE else "float32 or float64"
            raise DataFileError(
                f"{file}: {name} is {dtype} of shape {found[name].shape}, expected an array of {expected}."
            )
    return found


def write_npz(file: Path, arrays: Mapping[str, np.ndarray[Any, Any]], *, compressed: bool = False) -> None:
    """Write arrays of any names, of which np.savez takes one that is called file for its own argument.

    Args:
        file: to be written, whatever its ending.
        arrays: name → numbers or texts.
        compressed: whether to compress them.

    Raises:
        OSError: it cannot be written.
        ValueError: an array is of Python objects.
    """
    with ZipFile(file, "w", ZIP_DEFLATED if compressed else ZIP_STORED) as archive:
        for name, values in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, values, allow_pickle=False)
