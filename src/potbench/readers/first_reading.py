"""Read a file first in a process of its own, where the library that reads it may hang, crash or take all memory."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Literal

from potbench.errors import DataFileError
from potbench.readers.damage import unreadable

READER = Path(__file__).with_name("first_reader.py")
PACKAGE = Path(__file__).parents[1]

Kind = Literal["hdf5", "structures"]

NAMED = {"hdf5": "HDF5 of the expected layout", "structures": "structures"}
PATIENCE = {"hdf5": (10.0, 2e-6), "structures": (30.0, 2e-5)}
"""Seconds for any file, the start of the process included, and for each of its bytes."""
MEMORY = {"hdf5": (2**30, 8), "structures": (2**30, 64)}
"""Bytes for any file, and for each of its bytes."""


def read_first(kind: Kind, file: Path) -> None:
    """Read a file in a process of its own, once for each version of it.

    A file that is not there is left to whoever opens it; files inside the package are known, and not read.

    Args:
        kind: how: the groups, attributes and datasets of HDF5, or structures with ASE.
        file: the file.

    Raises:
        DataFileError: the file is damaged; it claims more memory than its size allows; reading it does not end or
            ends the process; or its data is in other files.
    """
    path = file.resolve()
    if path.is_relative_to(PACKAGE) or not path.is_file():
        return
    facts = path.stat()
    wrong = _wrong(kind, path, facts.st_size, facts.st_mtime_ns)
    if wrong:
        raise DataFileError(unreadable(file, NAMED[kind], wrong))


@lru_cache(maxsize=256)
def _wrong(kind: Kind, path: Path, size: int, changed: int) -> str | None:
    """Return what is wrong with a file, or None."""
    patience, memory = (one + each * size for one, each in (PATIENCE[kind], MEMORY[kind]))
    # -P: nothing in the current folder is imported
    command = [sys.executable, "-P", str(READER), kind, str(path), str(int(memory))]
    try:
        done = subprocess.run(command, capture_output=True, timeout=patience, check=False)
    except subprocess.TimeoutExpired:
        return f"that did not end within {patience:.0f} seconds"
    said = done.stderr.decode(errors="replace").strip().splitlines()
    if done.returncode == 1 and said:
        return said[-1][:300]
    return f"the library that reads it broke down with status {done.returncode}" if done.returncode else None
