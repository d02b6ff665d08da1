"""Structures in any file that ASE reads, and files of predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from potbench.errors import DataFileError
from potbench.inference.labels import LABEL, set_apart
from potbench.inference.stated_units import convert
from potbench.inference.structure_arrays import arrays_of
from potbench.potentials.plausible import problem_of
from potbench.readers.ase_database import has, metadata, rows, value
from potbench.readers.checks import require_no_cell
from potbench.readers.images import read_images
from potbench.readers.labels import single
from potbench.readers.npz import write_npz
from potbench.structures import Frames
from potbench.whole_file import whole_file

if TYPE_CHECKING:
    from ase import Atoms

ENDINGS = (".xyz", ".extxyz", ".npz")
"""Of the files that can be written."""
DATABASES = (".db", ".json")
"""Endings of databases of ASE."""


def read_structures(file: Path) -> list[Atoms]:
    """Read the structures of a file with all that it says of them: names, charges, labels, columns.

    Positions are in Å, labels in eV and eV/Å: those in units that the file states are converted.

    Raises:
        DataFileError: the file is missing, ASE cannot read it, or of a structure nothing sensible can be predicted; or
            like `convert`.
    """
    change = "Choose another file."
    if not file.is_file():
        raise DataFileError(f"{file} does not exist. Expected a file of structures that ASE can read. {change}")
    of_database = file.suffix in DATABASES
    images = list(_read_database(file) if of_database else read_images(file))
    convert(images, file, metadata(file) if of_database else {})
    for number, atoms in enumerate(images):
        problem = problem_of(atoms)
        if problem:
            wrong = f"{file}: structure {number} {problem.what}"
            raise DataFileError(f"{wrong}. Expected {problem.expected}. {change}")
        require_no_cell(atoms.info, f"{file}: structure {number}")
    return images


def frames_of(structures: Sequence[Atoms]) -> list[Frames]:
    """Return each structure as a chunk of its own, its number for a name: positions in Å, energies NaN."""
    return [
        Frames(str(number), atoms.numbers, np.asarray(atoms.positions, dtype=np.float64)[None], np.array([np.nan]))
        for number, atoms in enumerate(structures)
    ]


def write_structures(file: Path, structures: Sequence[Atoms]) -> list[str]:
    """Write structures with energies, forces and all columns, as .npz arrays or extended XYZ.

    Columns that are named as energies and forces are, or as the arrays of an .npz file, become columns whose names
    begin with reference_; see `with_predictions`. In an .npz file, numbers that some structures lack are NaN, and texts
    are empty.

    Args:
        file: ends in .npz, .xyz or .extxyz.
        structures: with a calculator that has energies in eV and forces in eV/Å.

    Returns:
        Names of the columns that an .npz file cannot hold: their shapes differ, or they are neither numbers nor texts.
    """
    from ase.io import write

    left_out: list[str] = []
    structures = [_apart_from_results(atoms) for atoms in structures]
    with whole_file(file) as partial:
        if file.suffix == ".npz":
            arrays, left_out = arrays_of(structures)
            write_npz(partial, arrays, compressed=True)
        else:
            write(partial, structures, format="extxyz")
    return left_out


def _apart_from_results(atoms: Atoms) -> Atoms:
    """Return a copy without columns of the names of its results, which a file can hold once."""
    copy = atoms.copy()
    copy.calc = atoms.calc
    set_apart(copy, copy.calc.results)
    return copy


def _read_database(file: Path) -> Iterator[Atoms]:
    """Yield the structures of a database of ASE with the named values of its rows, which ASE leaves out.

    Energies and forces are labels wherever a row has them; SchNetPack writes them as data.
    """
    for row in rows(file):
        where = f"{file}, row {row.id}"
        atoms = row.toatoms()
        atoms.info.update(row.key_value_pairs)
        if has(row, "energy"):
            atoms.info.setdefault(LABEL + "energy", single(value(row, "energy", file), "energy", where))
        if has(row, "forces"):
            forces = value(row, "forces", file)
            if forces.shape != (len(atoms), 3):
                raise DataFileError(f"{where}: forces have shape {forces.shape}. Expected (atoms, 3).")
            atoms.arrays.setdefault(LABEL + "forces", forces)
        yield atoms
