"""Read extended XYZ files: frames with the values they carry by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from potbench.errors import DataFileError
from potbench.readers.checks import require_molecule


def images(file: Path) -> Iterator[Any]:
    """Yield the frames of an extended XYZ file, as ASE's Atoms.

    Raises:
        DataFileError: the file is another kind of file, empty, truncated or damaged, or a structure is periodic.
    """
    from ase.io import iread

    number = 0
    try:
        for image in iread(file, format="extxyz"):
            require_molecule(image, f"{file}, frame {number}")
            yield image
            number += 1
    except DataFileError:
        raise
    except Exception as error:  # ASE raises whatever a damaged line makes it raise
        raise DataFileError(
            f"{file} cannot be read as extended XYZ from frame {number} on ({type(error).__name__}: {error}). "
            "It is truncated, damaged or another kind of file; fetch it again."
        ) from error
    if not number:
        raise DataFileError(f"{file} holds no structure. Expected at least one.")


def named_values(image: Any) -> dict[str, Any]:
    """Return the values that a frame carries by name: columns, comment line, and results of ASE's calculator."""
    results = image.calc.results if image.calc else {}
    arrays = {name: array for name, array in image.arrays.items() if name not in {"numbers", "positions"}}
    return {**arrays, **image.info, **results}
