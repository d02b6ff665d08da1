"""Arrays in an .npz file, wherever a byte of it is cut off or flipped."""

from __future__ import annotations

import zlib
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from potbench.structures import Column


def read_npz(file: Path) -> dict[str, Column]:
    """Return all arrays of an .npz file, by name.

    Args:
        file: as `numpy.savez` writes it.

    Raises:
        ValueError: the file is damaged.
        OSError: it cannot be opened.
    """
    with file.open("rb") as stream:
        try:
            with np.load(stream, allow_pickle=False) as arrays:
                return dict(arrays)
        # damage lies in the table of the archive, in compressed bytes, or in what an array says of its own shape
        except (OSError, EOFError, LookupError, TypeError, RuntimeError, MemoryError, BadZipFile, zlib.error) as error:
            raise ValueError(str(error)) from error
