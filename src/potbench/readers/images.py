"""Read structures from files that ASE knows, with bounded memory and in bounded time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import StringIO
from math import prod
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.damage import damage_named
from potbench.readers.first_reading import read_first
from potbench.readers.xyz_frames import frames, is_xyz, open_text

BOUNDED = {".json", ".db", ".traj"}
"""Endings of files that hold what they claim, once JSON is bounded."""
LONGEST_TEXT = 4096
"""Bytes of one text in an array."""
Frame = TypeVar("Frame")


def read_images(file: Path) -> Iterator[Any]:
    """Yield the structures of a file, as ASE's Atoms.

    Args:
        file: extended XYZ, which may be compressed; an ASE trajectory or database; or another file that ASE reads.
            An @ is a character of its name like any other.

    Raises:
        DataFileError: the file is of an unknown kind, empty, truncated or damaged.
    """
    xyz = is_xyz(file)
    if not xyz and file.suffix not in BOUNDED:
        read_first("structures", file)
    yield from all_of(file, _xyz(file) if xyz else _others(file), "extended XYZ" if xyz else "structures")


def all_of(file: Path, read: Iterable[Frame], kind: str) -> Iterator[Frame]:
    """Yield what is read of a file.

    Args:
        file: it is read from.
        read: its frames.
        kind: what the file should be.

    Raises:
        DataFileError: the file is empty, truncated or damaged.
    """
    number = -1
    with damage_named(file, kind, lambda: f" from frame {number + 1} on"):
        for number, frame in enumerate(read):  # noqa: B007 — the message says it
            yield frame
    if number < 0:
        raise DataFileError(f"{file} holds no structure. Expected at least one.")


def bound_json() -> None:
    """Let ASE refuse JSON that claims larger arrays than it holds, in files and in databases."""
    from ase.io import jsonio

    jsonio.create_ndarray = _array


def _array(shape: Any, dtype: Any, data: Any) -> np.ndarray[Any, Any]:
    kind = np.dtype(dtype)
    claimed = prod(shape) * (2 if kind.kind == "c" else 1)
    if np.size(data) != claimed or kind.itemsize > LONGEST_TEXT:
        raise ValueError(f"an array of shape {tuple(shape)} and type {kind} holds {np.size(data)} values")
    parts = np.array(data, dtype=np.zeros(0, kind).real.dtype).reshape(-1)
    array: np.ndarray[Any, Any] = parts.view(kind).reshape(shape)
    return array


def _xyz(file: Path) -> Iterator[Any]:
    from ase.io.extxyz import read_xyz

    with open_text(file) as text:
        for frame in frames(text):
            yield from read_xyz(StringIO(frame), 0)


def _others(file: Path) -> Iterator[Any]:
    from ase.io import iread

    bound_json()
    yield from iread(str(file), ":", do_not_split_by_at_sign=True)
