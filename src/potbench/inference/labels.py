"""Labels that structures bring along, and the errors of predictions against them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from potbench.structures import Frames

if TYPE_CHECKING:
    from ase import Atoms

LABEL = "reference_"


COLUMNS = ("energy_spread", "forces_spread", "extrapolation", "new_composition")
"""What predictions say beside energies and forces."""


class Errors(NamedTuple):
    """Mean absolute errors of predictions.

    Attributes:
        energy: per molecule, in the unit of the labels; NaN where no structure has an energy.
        forces: per component; NaN where none has forces.
        num_energies: structures with an energy.
        num_forces: structures with forces.
    """

    energy: float
    forces: float
    num_energies: int
    num_forces: int


def with_predictions(structures: Sequence[Atoms], predicted: Sequence[Frames]) -> list[Atoms]:
    """Return the same structures with predicted energies and forces, in the order of both.

    What the structures say of themselves stays as it is. Labels that a calculator made, as ASE calls it, become columns
    whose names begin with reference_, unless there is a column of that name; so do columns that are named as those of
    predictions are. Spreads of an ensemble become the columns energy_spread and forces_spread.

    Args:
        structures: as they were read.
        predicted: one frame each, with energies and forces.
    """
    from ase.calculators.singlepoint import SinglePointCalculator
    from ase.io.extxyz import per_atom_properties

    labelled = []
    for before, frames in zip(structures, predicted, strict=True):
        assert frames.forces is not None
        atoms = before.copy()
        atoms.set_constraint()
        set_apart(atoms, COLUMNS)
        for name, value in (before.calc.results if before.calc else {}).items():
            # a dipole of three atoms is as long as a column
            of_atoms = name in per_atom_properties and np.shape(value)[:1] == (len(atoms),)
            (atoms.arrays if of_atoms else atoms.info).setdefault(LABEL + name, value)
        for name, values in (frames.columns or {}).items():
            (atoms.arrays if values.ndim > 1 else atoms.info)[name] = values[0]
        atoms.calc = SinglePointCalculator(atoms, energy=float(frames.energy[0]), forces=frames.forces[0])
        labelled.append(atoms)
    return labelled


def set_apart(atoms: Atoms, names: Iterable[str]) -> None:
    """Let the names of some columns begin with reference_, unless there is a column of that name."""
    for name in names:
        for columns in (atoms.info, atoms.arrays):
            if name in columns:
                columns.setdefault(LABEL + name, columns.pop(name))


def errors(structures: Sequence[Atoms]) -> Errors:
    """Compare predictions with the labels beside them; see `with_predictions`. NaN is a label that is not known."""
    energy = [
        abs(atoms.calc.results["energy"] - atoms.info[LABEL + "energy"])
        for atoms in structures
        if isinstance(label := atoms.info.get(LABEL + "energy"), float | int | np.number) and not np.isnan(label)
    ]
    forces = [
        np.abs(atoms.calc.results["forces"] - atoms.arrays[LABEL + "forces"]).ravel()
        for atoms in structures
        if np.shape(label := atoms.arrays.get(LABEL + "forces")) == (len(atoms), 3) and not np.isnan(label).any()
    ]
    return Errors(
        float(np.mean(energy)) if energy else np.nan,
        float(np.concatenate(forces).mean()) if forces else np.nan,
        len(energy),
        len(forces),
    )
