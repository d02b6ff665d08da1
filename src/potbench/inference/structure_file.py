"""Structures in any file that ASE reads, and predictions written back."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from potbench.errors import DataFileError
from potbench.structures import SYMBOLS, FloatArray, Frames, IntArray


def read_structures(file: Path) -> list[Frames]:
    """Read every structure of a file: one block each, with positions in Å, energies NaN.

    Raises:
        DataFileError: the file is missing, ASE cannot read it, or a structure is periodic.
    """
    from ase.io import read

    if not file.is_file():
        raise DataFileError(f"{file} does not exist. Expected a file of structures that ASE can read; change --input.")
    try:
        images = read(file, index=":")
    except Exception as error:  # ASE's readers raise whatever their formats make them raise
        raise DataFileError(
            f"ASE cannot read {file} ({type(error).__name__}: {error}). "
            "Expected a format it knows, such as .xyz, .extxyz, .db, .pdb or .traj; change --input."
        ) from error
    if not images:
        raise DataFileError(f"{file} holds no structure. Expected at least one; change --input.")
    blocks = []
    for number, atoms in enumerate(images):
        if atoms.pbc.any():
            raise DataFileError(
                f"{file}: structure {number} is periodic, and these potentials are of molecules. "
                "Expected structures without periodic boundaries; change --input."
            )
        blocks.append(
            Frames(str(number), atoms.numbers, np.asarray(atoms.positions, dtype=np.float64)[None], np.array([np.nan]))
        )
    return blocks


def write_predictions(
    file: Path,
    atomic_numbers: IntArray,
    positions: FloatArray,
    counts: IntArray,
    energy: FloatArray,
    forces: FloatArray,
) -> None:
    """Write structures with energies and forces, as .npz arrays or extended XYZ; the file appears by one rename.

    Args:
        file: ends in .npz, .xyz or .extxyz.
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3), in Å.
        counts: shape (molecules,), atoms of each.
        energy: shape (molecules,), in eV.
        forces: shape (atoms, 3), in eV/Å.
    """
    partial = file.with_name(f"{file.name}.partial")
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".npz":
        with partial.open("wb") as stream:
            np.savez_compressed(
                stream,
                atomic_numbers=atomic_numbers,
                positions=positions,
                atoms_per_molecule=counts,
                energy=energy,
                forces=forces,
                units=np.array(["positions Å", "energy eV", "forces eV/Å"]),
            )
    else:
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.io import write

        images = []
        ends = np.cumsum(counts)
        for molecule, (start, end) in enumerate(zip(ends - counts, ends, strict=True)):
            atoms = Atoms([SYMBOLS[number] for number in atomic_numbers[start:end]], positions[start:end])
            atoms.calc = SinglePointCalculator(atoms, energy=float(energy[molecule]), forces=forces[start:end])
            images.append(atoms)
        write(partial, images, format="extxyz")
    partial.replace(file)
