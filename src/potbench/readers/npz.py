"""Read .npz files, with errors that the user can act on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile
from zlib import error as ZlibError  # noqa: N812

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.stated import Stated, stated_in
from potbench.structures import IntArray, formula_of

DAMAGE = (OSError, ValueError, LookupError, TypeError, EOFError, MemoryError, RuntimeError, BadZipFile, ZlibError)
"""Errors of numpy and zipfile for a damaged file; NotImplementedError is a RuntimeError."""

WHOLE, REAL = "iu", "f"

Arrays = Mapping[str, np.ndarray[Any, Any]]


def text(arrays: Arrays, key: str) -> str:
    """Return the text in an array of one element, bytes or not; empty where there is none."""
    if key not in arrays or arrays[key].size != 1 or arrays[key].dtype.kind not in "SU":
        return ""
    found = arrays[key].item()
    return found.decode(errors="replace") if isinstance(found, bytes) else str(found)


def stated(arrays: Arrays) -> Stated:
    """Return what the texts in a file state."""
    return stated_in({key: text(arrays, key) for key in arrays})


def require_formula(atomic_numbers: IntArray, formula: str) -> list[str]:
    """Return what contradicts that atoms are those of a molecule, as the end of a sentence."""
    found = formula_of(atomic_numbers)
    return [] if found == formula else [f"the atoms of {found}, not of {formula}"]


def read_npz(file: Path, needed: Mapping[str, str]) -> Arrays:
    """Read every array of a file, without loading pickled objects.

    Args:
        file: the file.
        needed: names of required arrays → kinds of numbers they may hold, as in numpy's `dtype.kind`.

    Raises:
        DataFileError: the file is no .npz file, is damaged, or an array is missing or holds something else.
    """
    try:
        with np.load(file, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays}
    except DAMAGE as error:
        raise DataFileError(
            f"{file} cannot be read as .npz ({error}). "
            "It is truncated, damaged or another kind of file; fetch it again."
        ) from error
    missing = [name for name in needed if name not in found]
    if missing:
        raise DataFileError(
            f"{file} has no {', '.join(missing)}, only {', '.join(found) or 'nothing'}. "
            f"Expected arrays {', '.join(needed)}: it is another kind of file."
        )
    for name, kinds in needed.items():
        if found[name].dtype.kind not in kinds or not found[name].ndim:
            expected = "whole numbers" if kinds == WHOLE else "float32 or float64"
            raise DataFileError(
                f"{file}: {name} is {found[name].dtype} of shape {found[name].shape}, expected an array of {expected}."
            )
    return found
