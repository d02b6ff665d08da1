"""Names and units of the labels that are read from a file of frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from potbench.errors import DataFileError
from potbench.readers.structures import Structure
from potbench.structures import FloatArray, IntArray


class Labels(NamedTuple):
    """Names and units of the labels to read.

    Attributes:
        energy_key: name of the energy.
        forces_key: name of the forces, or None.
        energy: unit of the energies, in eV.
        length: unit of the positions, in Å.
        force: unit of the forces, in eV/Å.
        molecule_key: name of the value that names the molecule; None takes its formula.
        columns: names of further numbers or texts.
        partial: whether frames may lack energy or forces.
    """

    energy_key: str
    forces_key: str | None
    energy: float
    length: float
    force: float
    molecule_key: str | None = None
    columns: Sequence[str] = ()
    partial: bool = False

    def structure(
        self,
        molecule: str,
        atomic_numbers: IntArray,
        positions: FloatArray,
        energy: float | None,
        forces: FloatArray | None,
        columns: Mapping[str, float | str],
    ) -> Structure:
        """Return a frame in eV and Å; labels that it lacks are zero, and said to be unknown.

        Args:
            molecule: its name.
            atomic_numbers: shape (atoms,).
            positions: shape (atoms, 3), in the unit of the file, as are energy and forces.
            energy: total energy, or None.
            forces: shape (atoms, 3), or None; those of a single atom are zero.
            columns: name → further value.
        """
        shape = (len(atomic_numbers), 3)
        return Structure(
            molecule=molecule,
            atomic_numbers=atomic_numbers,
            positions=positions * self.length,
            energy=0.0 if energy is None else energy * self.energy,
            forces=None if self.forces_key is None else np.zeros(shape) if forces is None else forces * self.force,
            columns=columns,
            energy_known=energy is not None,
            forces_known=forces is not None or len(atomic_numbers) == 1,
        )


def real(value: object, name: str, where: str) -> FloatArray:
    """Return the numbers of a label, in float64.

    Args:
        value: a number, or an array or list of numbers.
        name: of the label.
        where: file and frame, for messages.

    Raises:
        DataFileError: it is anything else: text, complex, or T or F, which a word without a value is read as.
    """
    try:
        array = np.asarray(value)
    except ValueError:  # lists of unequal lengths
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        shown = " ".join(repr(value).split())[:60]
        raise DataFileError(
            f"{where}: {name} is no number, but {shown}. Expected real numbers; a word without a value, or T, is none."
        )
    return array.astype(np.float64)


def single(value: object, name: str, where: str) -> float:
    """Return the one number of a label; otherwise like `real`."""
    array = real(value, name, where)
    if array.size != 1:
        raise DataFileError(f"{where}: {name} has shape {array.shape}, expected one number.")
    return float(array.reshape(()))
