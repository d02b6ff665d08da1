"""Single structures, as files list them → blocks of conformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import check_frames
from potbench.structures import FloatArray, Frames, IntArray

LONGEST = 1000


class Structure(NamedTuple):
    """One frame.

    Attributes:
        molecule: name of its molecule.
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3), in Å.
        energy: in eV.
        forces: shape (atoms, 3), in eV/Å, or None.
        smiles: of its molecule, or None.
    """

    molecule: str
    atomic_numbers: IntArray
    positions: FloatArray
    energy: float
    forces: FloatArray | None = None
    smiles: str | None = None


def conformers(structures: Iterable[Structure], where: str) -> Iterator[Frames]:
    """Put frames that follow each other, of one molecule with its atoms in one order, into blocks of up to LONGEST.

    Args:
        structures: in the order of the file.
        where: the file, for messages.

    Raises:
        DataFileError: numbers that cannot be; see `check_frames`.
    """
    block: list[Structure] = []
    for structure in structures:
        if block and (len(block) == LONGEST or not _alike(structure, block[0])):
            yield _frames(block, where)
            block = []
        block.append(structure)
    if block:
        yield _frames(block, where)


def _alike(one: Structure, other: Structure) -> bool:
    return one.molecule == other.molecule and np.array_equal(one.atomic_numbers, other.atomic_numbers)


def _frames(block: list[Structure], where: str) -> Frames:
    first = block[0]
    forces = [structure.forces for structure in block if structure.forces is not None]
    if forces and len(forces) < len(block):
        raise DataFileError(f"{where}: {first.molecule} has forces in {len(forces)} of {len(block)} frames only.")
    try:
        frames = Frames(
            molecule=first.molecule,
            atomic_numbers=np.asarray(first.atomic_numbers),
            positions=np.stack([structure.positions for structure in block]),
            energy=np.array([structure.energy for structure in block], dtype=np.float64),
            forces=np.stack(forces) if forces else None,
            smiles=first.smiles,
        )
    except (TypeError, ValueError) as error:
        raise DataFileError(f"{where}: {first.molecule} has numbers that do not fit together ({error}).") from error
    return check_frames(frames, f"{where}, {first.molecule}")
