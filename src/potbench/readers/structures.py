"""Gather single structures, as files list them, into chunks of conformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.checks import check_frames
from potbench.structures import BoolArray, FloatArray, Frames, IntArray

FRAMES_PER_CHUNK = 1000


class Structure(NamedTuple):
    """One frame.

    Attributes:
        molecule: name of the molecule.
        atomic_numbers: shape (atoms,).
        positions: shape (atoms, 3), in Å.
        energy: in eV.
        forces: shape (atoms, 3), in eV/Å, or None.
        smiles: SMILES of the molecule, or None.
        columns: name → further value, a number or text.
        energy_known: whether the energy is a label.
        forces_known: whether the forces are, where there are some.
        place: what the file calls the frame, such as row 7; by default its number, from 0.
    """

    molecule: str
    atomic_numbers: IntArray
    positions: FloatArray
    energy: float
    forces: FloatArray | None = None
    smiles: str | None = None
    columns: Mapping[str, float | str] = MappingProxyType({})
    energy_known: bool = True
    forces_known: bool = True
    place: str = ""


def conformers(structures: Iterable[Structure], where: str) -> Iterator[Frames]:
    """Gather consecutive frames of one molecule, its atoms in one order, into chunks of up to FRAMES_PER_CHUNK.

    Args:
        structures: frames in the order of the file.
        where: the file, for messages.

    Raises:
        DataFileError: like `check_frames`; or only some of the frames have forces.
    """
    chunk: list[Structure] = []
    start = 0
    for structure in structures:
        if chunk and (len(chunk) == FRAMES_PER_CHUNK or not _alike(structure, chunk[0])):
            yield _frames(chunk, where, start)
            start += len(chunk)
            chunk = []
        chunk.append(structure)
    if chunk:
        yield _frames(chunk, where, start)


def column_value(value: object, name: str, where: str) -> float | str:
    """Return the value of a frame in a column.

    Args:
        value: as the file has it.
        name: of the column.
        where: file and frame, for messages.

    Raises:
        DataFileError: it is neither a single number nor text.
    """
    if isinstance(value, str):
        return value
    array = np.asarray(value)
    if array.size == 1 and array.dtype.kind in "biuf":
        return float(array.reshape(()))
    raise DataFileError(f"{where}: {name} is {value!r}. Expected one number, or text.")


def _alike(one: Structure, other: Structure) -> bool:
    one_numbers, other_numbers = one.atomic_numbers, other.atomic_numbers
    return one.molecule == other.molecule and (
        one_numbers is other_numbers or np.array_equal(one_numbers, other_numbers)
    )


def _frames(chunk: list[Structure], where: str, start: int) -> Frames:
    first = chunk[0]
    forces = [structure.forces for structure in chunk if structure.forces is not None]
    if forces and len(forces) < len(chunk):
        raise DataFileError(f"{where}: {first.molecule} has forces in {len(forces)} of {len(chunk)} frames only.")
    values = {name: [structure.columns[name] for structure in chunk] for name in first.columns}
    for name, column in values.items():
        if len({type(value) for value in column}) > 1:
            raise DataFileError(f"{where}: {name} of {first.molecule} is a number in some frames and text in others.")
    try:
        frames = Frames(
            molecule=first.molecule,
            atomic_numbers=np.asarray(first.atomic_numbers),
            positions=np.stack([structure.positions for structure in chunk]),
            energy=np.array([structure.energy for structure in chunk], dtype=np.float64),
            forces=np.stack(forces) if forces else None,
            smiles=first.smiles,
            columns={name: np.array(column) for name, column in values.items()},
            energy_known=_mask([structure.energy_known for structure in chunk]),
            forces_known=_mask([structure.forces_known for structure in chunk]) if forces else None,
        )
    except (TypeError, ValueError) as error:
        raise DataFileError(f"{where}: {first.molecule} has numbers that do not fit together ({error}).") from error
    places = [structure.place for structure in chunk] if first.place else []
    return check_frames(frames, f"{where}, {first.molecule}", start, places)


def _mask(known: list[bool]) -> BoolArray | None:
    return None if all(known) else np.array(known)
