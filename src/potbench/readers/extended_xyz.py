"""Read extended XYZ files: frames with the values they carry by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import require_molecule
from potbench.readers.images import read_images
from potbench.readers.labels import Labels
from potbench.readers.structures import Structure, column_value
from potbench.readers.survey import Survey, seen


def images(file: Path) -> Iterator[Any]:
    """Yield the frames of an extended XYZ file, or of another that ASE reads, as ASE's Atoms.

    Raises:
        DataFileError: the file is another kind of file, empty, truncated or damaged, or a structure is periodic.
    """
    for number, image in enumerate(read_images(file)):
        require_molecule(image, f"{file}, frame {number}")
        yield image


def named_values(image: Any) -> dict[str, Any]:
    """Return the values that a frame carries by name: columns, comment line, and results of ASE's calculator."""
    results = image.calc.results if image.calc else {}
    arrays = {name: array for name, array in image.arrays.items() if name not in {"numbers", "positions"}}
    return {**arrays, **image.info, **results}


def survey(file: Path, energy_key: str) -> Survey:
    """Return what the frames of a file carry by name; raise like `images`.

    Args:
        file: the file.
        energy_key: name of the energies.
    """
    found = Survey(file)
    for number, image in enumerate(images(file)):
        values = named_values(image)
        # lines of comment hold matrices as well, which three atoms would make look like forces
        found_here = {name: seen(value, is_array=name not in image.info) for name, value in values.items()}
        energy = values.get(energy_key)
        # texts are refused when they are read
        found.add(number, image.numbers, found_here, float(energy) if isinstance(energy, int | float) else None)
    return found


def structures(file: Path, labels: Labels) -> Iterator[Structure]:
    """Yield the frames of a file in eV and Å; raise like `images`.

    Raises:
        DataFileError: a label is no number.
    """
    for number, image in enumerate(images(file)):
        where = f"{file}, frame {number}"
        values = named_values(image)
        total: Any = values.get(labels.energy_key)
        forces: Any = None if labels.forces_key is None else values.get(labels.forces_key)
        try:
            total = None if total is None else float(total)
            forces = None if forces is None else np.asarray(forces, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise DataFileError(
                f"{where}: {labels.energy_key} or {labels.forces_key} is no number ({error})."
            ) from error
        key = labels.molecule_key
        yield labels.structure(
            image.get_chemical_formula() if key is None else str(values[key]),
            image.numbers,
            image.positions,
            total,
            forces,
            {name: column_value(values[name], name, where) for name in labels.columns},
        )
