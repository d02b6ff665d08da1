"""Files as a user has them: physically right, in the units that are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import write

from tests.native_files.springs import healthy

MOLECULES = ("CH3CH2OH", "CH4", "H2O", "CH3OH", "C2H6")


def own_images(num_frames: int, unit: float = 1.0) -> list[Atoms]:
    """Molecules held by springs, in blocks; energies in a unit, given in eV, and forces in it per Å."""
    images = []
    for name in MOLECULES:
        chunk = healthy(name, num_frames // len(MOLECULES))
        assert chunk.forces is not None
        for positions, energy, forces in zip(chunk.positions, chunk.energy, chunk.forces, strict=True):
            atoms = Atoms(chunk.atomic_numbers, positions)
            atoms.calc = SinglePointCalculator(atoms, energy=energy / unit, forces=forces / unit)
            images.append(atoms)
    return images


def write_own_xyz(file: Path, num_frames: int, **named: float) -> None:
    """Write extended XYZ in eV, each frame with the named values as well."""
    images = own_images(num_frames)
    for atoms in images:
        atoms.info |= named
    write(file, images, format="extxyz")


def write_own_database(file: Path, num_frames: int, unit: float) -> None:
    """Write an ASE database, in a unit given in eV."""
    with connect(file, use_lock_file=False) as database:
        for atoms in own_images(num_frames, unit):
            database.write(atoms)


def write_own_sgdml(file: Path, num_frames: int, unit: float) -> None:
    """Write a file of sGDML, in a unit given in eV."""
    chunk = healthy(num_frames=num_frames)
    assert chunk.forces is not None
    arrays = {"z": chunk.atomic_numbers, "R": chunk.positions, "E": chunk.energy / unit, "F": chunk.forces / unit}
    np.savez(file, **arrays)  # type: ignore[arg-type]
