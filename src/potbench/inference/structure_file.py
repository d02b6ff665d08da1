"""Structures in any file that ASE reads, and files of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.images import read_images
from potbench.structures import Frames
from potbench.whole_file import whole_file

ENDINGS = (".xyz", ".extxyz", ".npz")
"""Of the files that can be written."""


def read_structures(file: Path) -> list[Frames]:
    """Read the structures of a file, each as a chunk of its own: positions in Å, energies NaN.

    Raises:
        DataFileError: the file is missing, ASE cannot read it, or a structure is periodic.
    """
    change = "Choose another file."
    if not file.is_file():
        raise DataFileError(f"{file} does not exist. Expected a file of structures that ASE can read. {change}")
    images = list(read_images(file))
    structures = []
    for number, atoms in enumerate(images):
        if atoms.pbc.any():
            raise DataFileError(
                f"{file}: structure {number} is periodic, and these potentials are of molecules. "
                f"Expected structures without periodic boundaries. {change}"
            )
        positions = np.asarray(atoms.positions, dtype=np.float64)[None]
        structures.append(Frames(str(number), atoms.numbers, positions, np.array([np.nan])))
    return structures


def write_structures(file: Path, chunks: Sequence[Frames]) -> None:
    """Write structures with energies and forces, as .npz arrays or extended XYZ.

    Args:
        file: ends in .npz, .xyz or .extxyz.
        chunks: structures with energies in eV and forces in eV/Å.
    """
    with whole_file(file) as partial:
        if file.suffix == ".npz":
            _write_npz(partial, chunks)
        else:
            _write_xyz(partial, chunks)


def _write_npz(file: Path, chunks: Sequence[Frames]) -> None:
    arrays = {
        "atomic_numbers": np.concatenate([np.tile(chunk.atomic_numbers, len(chunk.energy)) for chunk in chunks]),
        "positions": np.concatenate([chunk.positions.reshape(-1, 3) for chunk in chunks]),
        "atoms_per_molecule": np.repeat(
            [len(chunk.atomic_numbers) for chunk in chunks], [len(chunk.energy) for chunk in chunks]
        ),
        "energy": np.concatenate([chunk.energy for chunk in chunks]),
        "forces": np.concatenate([chunk.forces.reshape(-1, 3) for chunk in chunks if chunk.forces is not None]),
        "units": np.array(["positions Å", "energy eV", "forces eV/Å"]),
    }
    with file.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]  # of numpy's own typing


def _write_xyz(file: Path, chunks: Sequence[Frames]) -> None:
    from ase import Atoms
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io import write

    images = []
    for chunk in chunks:
        for frame, energy in enumerate(chunk.energy):
            atoms = Atoms(chunk.atomic_numbers, chunk.positions[frame])
            forces = None if chunk.forces is None else chunk.forces[frame]
            atoms.calc = SinglePointCalculator(atoms, energy=float(energy), forces=forces)
            images.append(atoms)
    write(file, images, format="extxyz")
